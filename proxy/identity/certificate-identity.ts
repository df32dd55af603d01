// A client certificate read as kube-apiserver reads it: k8s.io/apiserver v0.34
// pkg/authentication/request/x509/x509.go, CommonNameUserConversion. The chain has been verified by
// TLS before; here only the subject is read.
import { createHash, X509Certificate } from 'node:crypto';
import { ProxyError } from '../errors.ts';
import { identityHeaders, type StampedIdentity } from './front-proxy-headers.ts';

export interface CertificateIdentity extends StampedIdentity {
  /** When the certificate expires; a connection may outlive it. */
  readonly expiresAt: Date;
}

/** The attribute of a user's UID, for which OpenSSL has no short name. */
const UID_OID = '1.3.6.1.4.1.57683.2';
const CREDENTIAL_ID_KEY = 'authentication.kubernetes.io/credential-id';

export interface CertificateIdentityOptions {
  /** Read the UID attribute. Apiservers before 1.33 did not. */
  readonly sendUid?: boolean;
}

/**
 * Undefined for a certificate without a common name, which counts as no certificate. Throws a
 * ProxyError `unauthorized` for one that a direct connection refuses too (not a certificate, two UIDs,
 * an empty one), and for a name that no header can hold; that one would work direct.
 *
 * The subject is taken attribute by attribute, each decoded from DER by OpenSSL, never from a
 * printed name: escapes in those have been CVEs (CVE-2021-44532). OpenSSL is more lenient than Go in
 * one point: characters that a PrintableString or IA5String may not hold are let through.
 */
export function identityFromCertificate(
  certificate: X509Certificate | Buffer,
  options: CertificateIdentityOptions = {},
): CertificateIdentity | undefined {
  const parsed = parseCertificate(certificate);
  const { subject } = parsed.toLegacyObject();
  // The types promise an object, but a certificate may have no subject at all.
  const attributes: Readonly<Record<string, unknown>> = { ...subject };
  const user = attributeValues(attributes, 'CN').at(-1) ?? '';
  if (user === '') return undefined;

  const identity = {
    user,
    groups: attributeValues(attributes, 'O'),
    uid: options.sendUid === false ? undefined : readUid(attributes),
    extra: new Map([[CREDENTIAL_ID_KEY, [credentialId(parsed.raw)]]]),
  };
  const headers = identityHeaders(identity);
  if (headers === undefined) {
    throw refuse('its subject holds a control character, or white space at an end');
  }
  return { ...identity, headers, expiresAt: parsed.validToDate };
}

function parseCertificate(certificate: X509Certificate | Buffer): X509Certificate {
  if (certificate instanceof X509Certificate) return certificate;
  try {
    return new X509Certificate(certificate);
  } catch (cause) {
    throw refuse('it cannot be read', cause);
  }
}

/** One value is a string, several are a list in the order of the certificate. */
function attributeValues(attributes: Readonly<Record<string, unknown>>, key: string): string[] {
  const value = attributes[key];
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.map(String) : [];
}

function readUid(attributes: Readonly<Record<string, unknown>>): string | undefined {
  const uids = attributeValues(attributes, UID_OID);
  if (uids.length > 1) throw refuse(`it has ${uids.length} UIDs (${UID_OID}) instead of one`);
  if (uids[0] === '') throw refuse(`its UID (${UID_OID}) is empty`);
  return uids[0];
}

function credentialId(certificateDer: Buffer): string {
  return `X509SHA256=${createHash('sha256').update(certificateDer).digest('hex')}`;
}

function refuse(why: string, cause?: unknown): ProxyError {
  return new ProxyError(`client certificate refused: ${why}`, { code: 'unauthorized', cause });
}
