import type { HeaderList } from '../http2/header-list.ts';

const NAME = 'x-forwarded-for';
const MAPPED_IPV4_PREFIX = '::ffff:';

/**
 * Appends the client's address to X-Forwarded-For, in place, and returns the list. What stood there
 * stays: the apiserver writes all of them into the audit log's sourceIPs and decides nothing by them.
 */
export function appendForwardedFor(headers: HeaderList, address: string): HeaderList {
  // A dual-stack socket names IPv4 clients "::ffff:10.0.0.1"; a direct connection would not.
  const mapped = address.startsWith(MAPPED_IPV4_PREFIX) && address.includes('.');
  const plain = mapped ? address.slice(MAPPED_IPV4_PREFIX.length) : address;
  // The last line is the nearest hop's, so ours follows it, wherever else the name stands.
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    if (headers[i]?.toLowerCase() === NAME) {
      const before = headers[i + 1] ?? '';
      headers[i + 1] = before === '' ? plain : `${before}, ${plain}`;
      return headers;
    }
  }
  headers.push(NAME, plain);
  return headers;
}
