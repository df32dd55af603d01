// The cluster version, which gRPC does not tell: `GET /version` of a member's client URL.
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { TlsFiles } from './credentials.ts';
import type { Endpoint } from './endpoints.ts';

const MAX_BYTES = 64 * 1024;

/** Undefined when there is no such answer: what it is for can say so better than an error here. */
export function readClusterVersion(
  { url, secure }: Endpoint,
  tls: TlsFiles | undefined,
  timeoutMs: number,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const { serverName, ...pem } = tls ?? {};
    const options = { signal: AbortSignal.timeout(timeoutMs), agent: false };
    const request = secure
      ? httpsRequest(`${url}/version`, {
          ...options,
          ...pem,
          ...(serverName !== undefined && { servername: serverName }),
        })
      : httpRequest(`${url}/version`, options);
    request.on('error', () => resolve(undefined));
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        if (text.length > MAX_BYTES) request.destroy();
      });
      response.on('error', () => resolve(undefined));
      response.on('close', () => resolve(parseClusterVersion(text)));
    });
    request.end();
  });
}

function parseClusterVersion(text: string): string | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    const found = (answer as { readonly etcdcluster?: unknown } | null)?.etcdcluster;
    // `not_decided` until the first leader has set it.
    return typeof found === 'string' && /^\d/.test(found) ? found : undefined;
  } catch {
    return undefined;
  }
}
