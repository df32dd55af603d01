// What people call the components of a local control plane, and the programs that these are.
import { CommandError } from '../../common/command.ts';
import { missingBinaries } from '../../tools/binaries.ts';
import { COMPONENTS } from '../../tools/components.ts';
import { etcdBinary } from '../../tools/etcd-member.ts';

export interface LocalVersions {
  readonly etcdVersion?: string;
  /** A name in .tools/bin. */
  readonly apiserver?: string;
}

/**
 * `etcd-3.5.33`, or a kube-apiserver as `1.34.4`; other builds of the latter are named as they are in
 * .tools/bin, such as `kube-apiserver-patched`. A CommandError where there is no such program.
 */
export function parseVersion(text: string): LocalVersions {
  const [, etcdVersion] = /^etcd-v?(\d+\.\d+\.\d+)$/.exec(text) ?? [];
  if (etcdVersion !== undefined) {
    requireBuilt(text, etcdBinary(etcdVersion));
    return { etcdVersion };
  }
  const apiserver = apiserverBinary(text);
  if (apiserver === undefined) {
    throw new CommandError(`version "${text}": expected such as etcd-3.5.33 or 1.34.4`);
  }
  requireBuilt(text, apiserver);
  return { apiserver };
}

function apiserverBinary(text: string): string | undefined {
  if (/^kube-apiserver(-[\w.]+)?$/.test(text)) return text;
  const [, version] = /^v?(\d+\.\d+\.\d+)$/.exec(text) ?? [];
  if (version === undefined) return undefined;
  const pinned = COMPONENTS.find(({ name }) => name === 'kube-apiserver')?.version;
  return pinned === `v${version}` ? 'kube-apiserver' : `kube-apiserver-${version}`;
}

function requireBuilt(text: string, binary: string): void {
  if (missingBinaries([binary]).length === 0) return;
  throw new CommandError(
    `version "${text}": there is no ${binary} in .tools/bin: run \`npm run tools\`, or put it there`,
  );
}
