// Writes certificates byte by byte, so that a test can hold names that no tool would make: wrong
// string types, two attributes in one RDN, control characters, invalid UTF-8.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export interface NameAttribute {
  readonly oid: string;
  readonly value: string | Buffer;
  /** ASN.1 universal tag, UTF8String by default. */
  readonly tag?: number;
}

export const STRING_TAG = {
  utf8: 0x0c,
  numeric: 0x12,
  printable: 0x13,
  teletex: 0x14,
  ia5: 0x16,
  universal: 0x1c,
  bmp: 0x1e,
} as const;

export const commonName = (value: string | Buffer, tag?: number): NameAttribute =>
  attribute('2.5.4.3', value, tag);
export const organization = (value: string | Buffer, tag?: number): NameAttribute =>
  attribute('2.5.4.10', value, tag);
export const uidAttribute = (value: string | Buffer, tag?: number): NameAttribute =>
  attribute('1.3.6.1.4.1.57683.2', value, tag);

export function attribute(oid: string, value: string | Buffer, tag?: number): NameAttribute {
  return tag === undefined ? { oid, value } : { oid, value, tag };
}

export function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  if (length < 0x100) return Buffer.concat([Buffer.from([tag, 0x81, length]), content]);
  return Buffer.concat([Buffer.from([tag, 0x82, length >> 8, length & 0xff]), content]);
}

export function objectIdentifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return der(0x06, Buffer.from(bytes));
}

/** One inner array is one RDN; more than one attribute in it makes a multi-valued RDN. */
export function nameOf(rdns: readonly (readonly NameAttribute[])[]): Buffer {
  return der(
    0x30,
    ...rdns.map((rdn) =>
      der(
        0x31,
        ...rdn.map(({ oid, value, tag = STRING_TAG.utf8 }) => {
          const bytes = typeof value === 'string' ? Buffer.from(value) : value;
          return der(0x30, objectIdentifier(oid), der(tag, bytes));
        }),
      ),
    ),
  );
}

export interface CertificateOptions {
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly keys?: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  /** Object identifiers; without any the certificate has no such extension. */
  readonly extendedKeyUsage?: readonly string[];
}

export function newKeys(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** A self-signed version 3 certificate. */
export function certificateDer(
  subject: readonly (readonly NameAttribute[])[],
  options: CertificateOptions = {},
): Buffer {
  const keys = options.keys ?? newKeys();
  const algorithm = der(0x30, objectIdentifier('1.2.840.10045.4.3.2')); // ecdsa-with-SHA256
  const name = nameOf(subject);
  const hour = 3_600_000;
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    algorithm,
    name,
    der(
      0x30,
      time(options.notBefore ?? new Date(Date.now() - hour)),
      time(options.notAfter ?? new Date(Date.now() + hour)),
    ),
    name,
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    extensions(options.extendedKeyUsage ?? []),
  );
  const signature = sign('sha256', body, keys.privateKey);
  return der(0x30, body, algorithm, der(0x03, Buffer.from([0]), signature));
}

function extensions(extendedKeyUsage: readonly string[]): Buffer {
  if (extendedKeyUsage.length === 0) return Buffer.alloc(0);
  const usages = der(0x30, ...extendedKeyUsage.map(objectIdentifier));
  return der(0xa3, der(0x30, der(0x30, objectIdentifier('2.5.29.37'), der(0x04, usages))));
}

function time(date: Date): Buffer {
  // GeneralizedTime, as RFC 5280 section 4.1.2.5.2 writes it: no fraction, always Z.
  const digits = date.toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return der(0x18, Buffer.from(`${digits}Z`));
}

export function pemOf(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
