import type { HeaderList } from '../http2/header-list.ts';
import type { RequestIdentity } from '../identity/client.ts';
import { appendForwardedFor } from '../identity/forwarded-for.ts';
import { stampIdentity, stripIdentityHeaders } from '../identity/front-proxy-headers.ts';

/**
 * The header list that goes to an endpoint: nothing of one hop, nothing that could be taken for a
 * proven identity, and then, on connections that have the front-proxy certificate only, the
 * identity that was proven.
 *
 * @param alsoStrip names besides X-Remote-* that the endpoints take for an identity
 */
export function upstreamHeaders(
  received: HeaderList,
  identity: RequestIdentity,
  clientAddress: string,
  alsoStrip: readonly string[],
): HeaderList {
  const headers = appendForwardedFor(stripIdentityHeaders(received, alsoStrip), clientAddress);
  return identity.certificate === undefined
    ? headers
    : stampIdentity(headers, identity.certificate);
}
