// Certificates, keys and passwords from the files that the flags name. Everything that can be wrong
// with them is said here, before the first connection, since a library would say it in OpenSSL's
// words or not at all. What they hold is in no message.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { CommandError } from '../common/command.ts';

/** The flags as given. */
export interface CredentialFlags {
  readonly cacert?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
  /** A name alone: a password on a command line is seen by everybody on the machine. */
  readonly user?: string | undefined;
  readonly passwordFile?: string | undefined;
}

/** What a TLS connection needs; all PEM. */
export interface TlsFiles {
  /** The system's own authorities when left out. */
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** A name that the member's certificate has, where the URL has none of them. */
  readonly serverName?: string;
}

export interface User {
  readonly name: string;
  readonly password: string;
}

export interface Credentials {
  /** Undefined when no flag asks for TLS. */
  readonly tls?: TlsFiles;
  readonly user?: User;
}

const MAX_FILE_BYTES = 1024 * 1024;

/** Throws CommandError. `nowMs` is what certificates are held against. */
export async function readCredentials(
  flags: CredentialFlags,
  nowMs = Date.now(),
): Promise<Credentials> {
  const tls = await readTls(flags, nowMs);
  const user = await readUser(flags);
  return { ...(tls && { tls }), ...(user && { user }) };
}

async function readTls(flags: CredentialFlags, nowMs: number): Promise<TlsFiles | undefined> {
  const { cacert, cert, key, serverName } = flags;
  if ((cert === undefined) !== (key === undefined)) {
    const [given, missing] = cert === undefined ? ['--key', '--cert'] : ['--cert', '--key'];
    throw new CommandError(`${given} needs ${missing} beside it`);
  }
  if (cacert === undefined && cert === undefined && serverName === undefined) return undefined;
  const ca = cacert === undefined ? undefined : await readAuthority(cacert);
  const pair =
    cert === undefined || key === undefined ? undefined : await readPair(cert, key, nowMs);
  return { ...(ca && { ca }), ...pair, ...(serverName !== undefined && { serverName }) };
}

async function readAuthority(path: string): Promise<Buffer> {
  const ca = await readText('--cacert', path);
  parseCertificate('--cacert', path, ca);
  return ca;
}

async function readPair(
  certPath: string,
  keyPath: string,
  nowMs: number,
): Promise<{ cert: Buffer; key: Buffer }> {
  const cert = await readText('--cert', certPath);
  const key = await readText('--key', keyPath);
  const leaf = parseCertificate('--cert', certPath, cert);
  if (nowMs > leaf.validToDate.getTime()) {
    throw new CommandError(`--cert ${certPath}: expired on ${leaf.validTo}; renew it`);
  }
  if (nowMs < leaf.validFromDate.getTime()) {
    throw new CommandError(`--cert ${certPath}: is not valid before ${leaf.validFrom}`);
  }
  try {
    createPrivateKey(key);
  } catch (cause) {
    const text = key.toString('latin1');
    const what = /ENCRYPTED/.test(text)
      ? 'is encrypted, which etcdctl does not take either; give the plain key'
      : 'is no private key in PEM';
    throw new CommandError(`--key ${keyPath}: ${what}`, { cause });
  }
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    throw new CommandError(`--key ${keyPath}: does not belong to --cert ${certPath}`, { cause });
  }
  return { cert, key };
}

/** The first certificate of the file. */
function parseCertificate(flag: string, path: string, text: Buffer): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (cause) {
    throw new CommandError(`${flag} ${path}: is no certificate in PEM`, { cause });
  }
}

async function readUser({ user, passwordFile }: CredentialFlags): Promise<User | undefined> {
  if (user === undefined) {
    if (passwordFile === undefined) return undefined;
    throw new CommandError('--password-file needs --user beside it');
  }
  if (user.includes(':')) {
    throw new CommandError(
      '--user: a name alone; the password goes into a file, --password-file, where no list of ' +
        'processes shows it',
    );
  }
  if (user === '') throw new CommandError('--user: is empty');
  if (passwordFile === undefined) {
    throw new CommandError(`--user ${user} needs --password-file beside it`);
  }
  // An editor ends the last line, and no password that etcdctl took ends with one.
  const password = (await readText('--password-file', passwordFile))
    .toString()
    .replace(/\r?\n$/, '');
  if (password === '') throw new CommandError(`--password-file ${passwordFile}: is empty`);
  if (password.includes('\n')) {
    throw new CommandError(`--password-file ${passwordFile}: has more than one line`);
  }
  return { name: user, password };
}

async function readText(flag: string, path: string): Promise<Buffer> {
  let text: Buffer;
  try {
    text = await readFile(path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    const what =
      { ENOENT: 'there is no such file', EACCES: 'may not be read', EISDIR: 'is a folder' }[
        String(code)
      ] ?? `cannot be read (${code})`;
    throw new CommandError(`${flag} ${path}: ${what}`, { cause });
  }
  if (text.length > MAX_FILE_BYTES) {
    throw new CommandError(`${flag} ${path}: is larger than ${MAX_FILE_BYTES} bytes`);
  }
  return text;
}
