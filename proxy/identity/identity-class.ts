import { ProxyError } from '../errors.ts';
import type { HeaderList } from '../http2/header-list.ts';
import type { CertificateIdentity } from './certificate-identity.ts';

/**
 * Whose word the apiserver takes for a request. Each class has connections of its own: only those of
 * `certificate` hold the front-proxy certificate, on which a forgotten header would make its sender
 * whoever it likes; and the apiserver ends connections that carried an anonymous request.
 */
export type IdentityClass = 'certificate' | 'bearer' | 'anonymous';

/** `invalid`: a certificate was presented and TLS did not verify it, or its subject was refused. */
export type PresentedCertificate = CertificateIdentity | 'invalid' | undefined;

/** A token is what stands from there to the next space. */
const SCHEME = 'bearer ';
const WEBSOCKET_TOKEN_PREFIX = 'base64url.bearer.authorization.k8s.io.';

/**
 * Decides as the apiserver does on a direct connection. Its authenticators are asked in this order:
 * certificate, then token, then anonymous (pkg/kubeapiserver/authenticator/config.go). So a valid
 * certificate wins over a token that comes with it.
 *
 * Throws `unauthorized` for an invalid certificate without a token: for the apiserver that is a
 * failed login and not an anonymous request (union.NewFailOnError).
 */
export function classOf(headers: HeaderList, certificate: PresentedCertificate): IdentityClass {
  if (certificate !== undefined && certificate !== 'invalid') return 'certificate';
  if (bearerTokenOf(headers) !== undefined) return 'bearer';
  if (certificate === 'invalid') throw new ProxyError('Unauthorized', { code: 'unauthorized' });
  return 'anonymous';
}

/** The token by which the apiserver will know the sender of these headers, if it knows by one. */
export function bearerTokenOf(headers: HeaderList): string | undefined {
  let authorization: string | undefined;
  let webSocketToken: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]?.toLowerCase();
    // The first one counts, as with Go's Header.Get.
    if (name === 'authorization') authorization ??= headers[i + 1];
    if (name === 'sec-websocket-protocol')
      webSocketToken ??= tokenOfProtocols(headers[i + 1] ?? '');
  }
  return tokenOfAuthorization(authorization ?? '') ?? webSocketToken;
}

/** pkg/authentication/request/bearertoken: "Basic" and a scheme without a token are nobody. */
function tokenOfAuthorization(authorization: string): string | undefined {
  const text = authorization.trim();
  if (text.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return undefined;
  const end = text.indexOf(' ', SCHEME.length);
  const token = text.slice(SCHEME.length, end === -1 ? undefined : end);
  return token === '' ? undefined : token;
}

/** Browsers cannot set Authorization on a WebSocket: pkg/authentication/request/websocket. */
function tokenOfProtocols(protocols: string): string | undefined {
  for (const protocol of protocols.split(',')) {
    const trimmed = protocol.trim();
    if (
      trimmed.startsWith(WEBSOCKET_TOKEN_PREFIX) &&
      trimmed.length > WEBSOCKET_TOKEN_PREFIX.length
    ) {
      return trimmed.slice(WEBSOCKET_TOKEN_PREFIX.length);
    }
  }
  return undefined;
}
