// How k6 is given who we are: files that only we can read, and a token in its environment.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterAccess } from '../kubeconfig.ts';

/** Writes what has to be a file into `directory`, and returns what the script is to find set. */
export async function writeCredentials(
  directory: string,
  { caPem, certificate }: ClusterAccess,
): Promise<Record<string, string>> {
  const write = async (name: string, pem: string): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, pem, { mode: 0o600 });
    return path;
  };
  return {
    HOME: directory,
    ...(caPem === undefined ? {} : { SSL_CERT_FILE: await write('ca.pem', caPem) }),
    ...(certificate === undefined
      ? {}
      : {
          LOAD_CERTIFICATE: await write('client.pem', certificate.certPem),
          LOAD_KEY: await write('client-key.pem', certificate.keyPem),
        }),
  };
}
