// Who asks: the authenticators of kube-apiserver in its order (k8s.io/apiserver
// pkg/authentication/authenticatorfactory/delegating.go): front proxy, client certificate, bearer
// token, anonymous. One that fails does not end the search; it only forbids the anonymous answer.
import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
// First: it must be evaluated before @peculiar/x509.
import '../tools/reflect-metadata.ts';
import { X509Certificate as ParsedCertificate } from '@peculiar/x509';
import { type Exchange, header, headerValues } from './exchange.ts';
import type { Identity, Peer } from './identity.ts';

export interface AuthenticationConfig {
  readonly tokens: Readonly<Record<string, Identity>>;
}

const FRONT_PROXY_NAME = 'front-proxy';
const EXTRA_PREFIX = 'x-remote-extra-';
const UID_OID = '1.3.6.1.4.1.57683.2'; // Read from 1.33 on.
const CREDENTIAL_ID = 'authentication.kubernetes.io/credential-id';
const AUTHENTICATED = 'system:authenticated';
const ANONYMOUS: Identity = { username: 'system:anonymous', groups: ['system:unauthenticated'] };

/** The two roots that clients may come from. */
export class PeerReader {
  readonly #clusterCa: X509Certificate;
  readonly #frontProxyCa: X509Certificate;

  constructor(authorities: { readonly clusterCa: string; readonly frontProxyCa: string }) {
    this.#clusterCa = new X509Certificate(authorities.clusterCa);
    this.#frontProxyCa = new X509Certificate(authorities.frontProxyCa);
  }

  /** Reads the certificate of a connection whose handshake is over. */
  read(socket: TLSSocket): Peer {
    const certificate = socket.getPeerX509Certificate();
    if (!certificate) return { certificate: 'none' };
    if (!socket.authorized) return { certificate: 'invalid' };
    // Only a parsed subject is read, never the printed one: its escapes have been CVEs.
    const { subjectName } = new ParsedCertificate(certificate.raw);
    const commonName = subjectName.getField('CN').at(-1);
    const uids = subjectName.getField(UID_OID);
    if (isIssuedBy(certificate, this.#frontProxyCa)) {
      return { certificate: commonName === FRONT_PROXY_NAME ? 'front-proxy' : 'invalid' };
    }
    if (!isIssuedBy(certificate, this.#clusterCa)) return { certificate: 'invalid' };
    if (commonName === undefined) return { certificate: 'none' };
    if (uids.length > 1) return { certificate: 'invalid' };
    const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
    return {
      certificate: 'cluster',
      identity: {
        username: commonName,
        ...(uids[0] === undefined ? {} : { uid: uids[0] }),
        groups: subjectName.getField('O'),
        extra: { [CREDENTIAL_ID]: [`X509SHA256=${fingerprint}`] },
      },
    };
  }
}

/** The user of a request; undefined is a 401. */
export function authenticate(
  exchange: Exchange,
  { tokens }: AuthenticationConfig,
): Identity | undefined {
  const { peer } = exchange;
  if (peer.certificate === 'front-proxy') {
    const identity = frontProxyIdentity(exchange);
    if (identity) return authenticated(identity);
  }
  if (peer.identity) return authenticated(peer.identity);
  const authorization = header(exchange, 'authorization') ?? '';
  const [, token] = /^bearer +(.*)$/i.exec(authorization) ?? [];
  if (token) {
    const identity = Object.hasOwn(tokens, token) ? tokens[token] : undefined;
    return identity && authenticated(identity);
  }
  // A certificate that nobody could use is an error, and an error is never anonymous.
  return peer.certificate === 'none' ? ANONYMOUS : undefined;
}

/** Whether nobody vouched for the user: such connections are closed after one HTTP/2 request. */
export function isAnonymous({ username }: Identity): boolean {
  return username === ANONYMOUS.username;
}

function frontProxyIdentity(exchange: Exchange): Identity | undefined {
  const username = headerValues(exchange, 'x-remote-user').find((value) => value !== '');
  if (username === undefined) return undefined;
  const uid = header(exchange, 'x-remote-uid');
  const extra: Record<string, string[]> = {};
  for (const [name, value] of pairs(exchange.rawHeaders)) {
    const lower = name.toLowerCase();
    if (!lower.startsWith(EXTRA_PREFIX)) continue;
    const key = percentDecoded(lower.slice(EXTRA_PREFIX.length));
    extra[key] = [...(extra[key] ?? []), value];
  }
  return {
    username,
    ...(uid ? { uid } : {}),
    groups: headerValues(exchange, 'x-remote-group'),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  };
}

function authenticated(identity: Identity): Identity {
  if (isAnonymous(identity) || identity.groups.includes(AUTHENTICATED)) return identity;
  return { ...identity, groups: [...identity.groups, AUTHENTICATED] };
}

function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

/** Name and value pairs of a raw header list. */
export function* pairs(rawHeaders: readonly string[]): Generator<readonly [string, string]> {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    yield [rawHeaders[index] ?? '', rawHeaders[index + 1] ?? ''];
  }
}

/** Extra keys are percent-encoded, for a header name may not hold a slash; broken ones stay. */
function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
