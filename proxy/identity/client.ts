import type { HeaderList } from '../http2/header-list.ts';
import { ReadAffinity } from '../upstream/read-affinity.ts';
import { type CallerNames, fingerprintOf } from './caller-name.ts';
import type { CertificateIdentity } from './certificate-identity.ts';
import {
  bearerTokenOf,
  classOf,
  type IdentityClass,
  type PresentedCertificate,
} from './identity-class.ts';

/** Who a request comes from, as far as the door knows. */
export interface RequestIdentity {
  /** Which connections to an endpoint the request may use. */
  readonly class: IdentityClass;
  /** What the door vouches for; with class `certificate` only. */
  readonly certificate: CertificateIdentity | undefined;
}

/** The client at the other end of an accepted connection. */
export class Client {
  readonly address: string;
  readonly protocol: 'h2' | 'http/1.1';
  /** Of this connection. */
  readonly reads = new ReadAffinity();
  private readonly presented: PresentedCertificate;
  /** Of the last token, since a connection seldom has another one. The token itself is not kept. */
  private named: { readonly fingerprint: number; readonly name: string } | undefined;

  constructor(address: string, protocol: 'h2' | 'http/1.1', presented: PresentedCertificate) {
    this.address = address;
    this.protocol = protocol;
    this.presented = presented;
  }

  /**
   * Decides for one request; a connection may outlive its certificate.
   * @throws ProxyError `unauthorized`
   */
  identify(headers: HeaderList): RequestIdentity {
    const certificate = this.validCertificate();
    const identityClass = classOf(headers, certificate);
    return {
      class: identityClass,
      certificate:
        identityClass === 'certificate' && certificate !== 'invalid' ? certificate : undefined,
    };
  }

  /** For people: who sends this request. Never a token, and nothing that a token says. */
  nameOf(identity: RequestIdentity, headers: HeaderList, names: CallerNames): string {
    if (identity.certificate !== undefined) return identity.certificate.user;
    const token = identity.class === 'bearer' ? bearerTokenOf(headers) : undefined;
    if (token === undefined) return 'anonymous';
    const fingerprint = fingerprintOf(token);
    if (this.named?.fingerprint !== fingerprint) {
      this.named = { fingerprint, name: names.ofToken(token) };
    }
    return this.named.name;
  }

  private validCertificate(): PresentedCertificate {
    const { presented } = this;
    if (presented === undefined || presented === 'invalid') return presented;
    return presented.expiresAt.getTime() > Date.now() ? presented : 'invalid';
  }
}
