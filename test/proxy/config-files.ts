// Certificates for the configuration tests, made once for each test file and held in memory.

import { type Config, parseConfig } from '../../proxy/config.ts';
import type { ReadFile } from '../../proxy/config-pem.ts';
import {
  type CertificateOptions,
  certificateDer,
  commonName,
  newKeys,
  pemOf,
} from './identity/der-certificate.ts';

const HOUR_MS = 3_600_000;

function certificate(options: CertificateOptions): string {
  return pemOf(certificateDer([[commonName('door')]], options));
}

export function makeFiles(): ReadonlyMap<string, string> {
  const keys = newKeys();
  const other = newKeys();
  const keyPem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const past = { notBefore: new Date(Date.now() - 2 * HOUR_MS) };
  const expired = certificate({ ...past, notAfter: new Date(Date.now() - HOUR_MS), keys });
  const good = certificate({ keys });
  const client = { extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'], keys };
  return new Map([
    ['door.crt', good],
    ['door.key', keyPem],
    ['ca.crt', good],
    ['rotating-ca.crt', expired + good],
    ['client-only.crt', certificate(client)],
    ['other.key', other.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['expired.crt', expired],
    [
      'early.crt',
      certificate({
        notBefore: new Date(Date.now() + HOUR_MS),
        notAfter: new Date(Date.now() + 2 * HOUR_MS),
        keys,
      }),
    ],
    ['broken.crt', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
    ['not-pem.txt', 'hello'],
  ]);
}

export function readFrom(files: ReadonlyMap<string, string>): ReadFile {
  return (path) => {
    const text = files.get(path);
    if (text !== undefined) return text;
    throw Object.assign(new Error(`no ${path}`), { code: path === 'secret' ? 'EACCES' : 'ENOENT' });
  };
}

export const MINIMAL = `
listen: {certificate: door.crt, key: door.key}
upstream: {ca: ca.crt, endpoints: ["https://10.0.0.1:6443"]}
`;

/** The error's message, or the empty text when the configuration is good. */
export function problemOf(text: string, files: ReadonlyMap<string, string>): string {
  try {
    parseConfig(text, readFrom(files));
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export function parse(text: string, files: ReadonlyMap<string, string>): Config {
  return parseConfig(text, readFrom(files));
}
