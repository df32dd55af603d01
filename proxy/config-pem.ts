// Certificates and keys are looked at when the configuration is read, because TLS would report the
// same mistakes one connection at a time, to clients, and in OpenSSL's words.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { ConfigError, showValue } from './config-error.ts';

/** Returns the text of a file that the configuration names; throws what node:fs throws. */
export type ReadFile = (path: string) => string;

export interface KeyPair {
  /** The leaf first, then its chain. */
  readonly certificatePem: string;
  readonly keyPem: string;
}

export type KeyPurpose = 'client' | 'server';

/** Extended key usages of RFC 5280, section 4.2.1.12. */
const PURPOSE_OIDS: Readonly<Record<KeyPurpose, string>> = {
  client: '1.3.6.1.5.5.7.3.2',
  server: '1.3.6.1.5.5.7.3.1',
};

const CERTIFICATE_BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Reads a certificate chain and its key and checks that they belong together and are usable now. */
export function readKeyPair(
  section: string,
  paths: { readonly certificate: string; readonly key: string },
  options: { readonly purpose: KeyPurpose; readonly readFile: ReadFile; readonly now: Date },
): KeyPair {
  const certificateKey = `${section}.certificate`;
  const certificatePem = readText(certificateKey, paths.certificate, options.readFile);
  const leaf = parseCertificates(certificateKey, paths.certificate, certificatePem)[0];
  checkValidity(certificateKey, paths.certificate, leaf, options.now);
  checkPurpose(certificateKey, paths.certificate, leaf, options.purpose);

  const keyPem = readText(`${section}.key`, paths.key, options.readFile);
  const key = parseKey(`${section}.key`, paths.key, keyPem);
  if (!leaf.checkPrivateKey(key)) {
    throw new ConfigError(
      `${section}.key: ${showValue(paths.key)} is not the key of ${showValue(paths.certificate)}; ` +
        'give the pair that was made together',
    );
  }
  return { certificatePem, keyPem };
}

/** Reads a bundle of one or more CA certificates, of which at least one must be valid now. */
export function readAuthorities(key: string, path: string, readFile: ReadFile, now: Date): string {
  const pem = readText(key, path, readFile);
  const certificates = parseCertificates(key, path, pem);
  // During a rotation old and new stand side by side, so one that has expired is no mistake.
  if (!certificates.some((certificate) => certificate.validToDate >= now)) {
    checkValidity(key, path, certificates[0], now);
  }
  return pem;
}

function readText(key: string, path: string, readFile: ReadFile): string {
  try {
    return readFile(path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    const why = code === 'ENOENT' ? 'no such file' : `cannot be read (${String(code ?? cause)})`;
    throw new ConfigError(`${key}: ${showValue(path)}: ${why}; give the path of a PEM file`, {
      cause,
    });
  }
}

function parseCertificates(
  key: string,
  path: string,
  pem: string,
): [X509Certificate, ...X509Certificate[]] {
  const [first, ...rest] = pem.match(CERTIFICATE_BLOCK) ?? [];
  if (first === undefined) {
    throw new ConfigError(`${key}: ${showValue(path)} holds no PEM certificate`);
  }
  try {
    return [new X509Certificate(first), ...rest.map((block) => new X509Certificate(block))];
  } catch (cause) {
    throw new ConfigError(`${key}: ${showValue(path)} holds a certificate that cannot be read`, {
      cause,
    });
  }
}

function parseKey(key: string, path: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new ConfigError(
      `${key}: ${showValue(path)} holds no PEM private key without a password`,
      {
        cause,
      },
    );
  }
}

function checkValidity(key: string, path: string, certificate: X509Certificate, now: Date): void {
  if (certificate.validToDate < now) {
    const when = certificate.validToDate.toISOString();
    throw new ConfigError(`${key}: ${showValue(path)} expired at ${when}; renew the certificate`);
  }
  if (certificate.validFromDate > now) {
    const when = certificate.validFromDate.toISOString();
    throw new ConfigError(`${key}: ${showValue(path)} is valid from ${when} on; check the clock`);
  }
}

/** A certificate without extended key usage is good for everything. */
function checkPurpose(
  key: string,
  path: string,
  certificate: X509Certificate,
  purpose: KeyPurpose,
): void {
  // The types say string[], the value is undefined for a certificate without the extension.
  const usages: readonly string[] | undefined = certificate.keyUsage;
  if (usages === undefined || usages.includes(PURPOSE_OIDS[purpose])) return;
  throw new ConfigError(
    `${key}: ${showValue(path)} is not for ${purpose} authentication; ` +
      `it needs the extended key usage ${purpose}Auth`,
  );
}
