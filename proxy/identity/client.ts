import type { HeaderList } from '../http2/header-list.ts';
import { ReadAffinity } from '../upstream/read-affinity.ts';
import type { CertificateIdentity } from './certificate-identity.ts';
import { classOf, type IdentityClass, type PresentedCertificate } from './identity-class.ts';

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

  private validCertificate(): PresentedCertificate {
    const { presented } = this;
    if (presented === undefined || presented === 'invalid') return presented;
    return presented.expiresAt.getTime() > Date.now() ? presented : 'invalid';
  }
}
