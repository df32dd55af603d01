// What a run was made on and with: nothing that differs between two checkouts, users or folders.
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { ROOT_DIRECTORY } from '../../tools/binaries.ts';
import { COMPONENTS } from '../../tools/components.ts';
import type { Environment } from '../result.ts';

export interface FoundVersions {
  /** Undefined for what was not loaded, or could not be asked. */
  readonly 'kube-apiserver': string | undefined;
  readonly etcd: string | undefined;
}

export function describeEnvironment(
  found: FoundVersions,
  flags: Readonly<Record<string, string>>,
): Environment {
  const [processor] = cpus();
  const manifest = JSON.parse(readFileSync(join(ROOT_DIRECTORY, 'package.json'), 'utf8'));
  const versions = {
    ...found,
    k6: COMPONENTS.find(({ name }) => name === 'k6')?.version,
    node: process.version,
    evenkeel: (manifest as { readonly version: string }).version,
  };
  return {
    versions: Object.fromEntries(
      Object.entries(versions).flatMap(([name, version]) =>
        version === undefined ? [] : [[name, version]],
      ),
    ),
    flags,
    cores: cpus().length,
    cpu: processor?.model ?? 'unknown',
    memoryMib: Math.round(totalmem() / 1024 ** 2),
    kernel: release(),
  };
}
