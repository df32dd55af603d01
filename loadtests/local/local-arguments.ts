// The flags that say which control plane is started here: of `up`, of `run --local` and of `gate`.
import { CommandError } from '../../common/command.ts';
import type { LocalClusterOptions } from './local-cluster.ts';
import { parseVersion } from './versions.ts';

export const LOCAL_HELP = `  --replicas N            kube-apiservers (3)
  --etcd-members N        1, 3 or 5 (3)
  --door                  evenkeel before them
  --with VERSION          in place of the newest built, such as etcd-3.5.33`;

export const LOCAL_FLAGS = {
  replicas: { type: 'string' },
  'etcd-members': { type: 'string' },
  door: { type: 'boolean' },
  with: { type: 'string' },
} as const;

export type LocalShape = Omit<LocalClusterOptions, 'signal' | 'log'>;

interface LocalValues {
  readonly replicas?: string | undefined;
  readonly 'etcd-members'?: string | undefined;
  readonly door?: boolean | undefined;
  readonly with?: string | undefined;
}

/** A CommandError that names the flag. */
export function parseLocal(values: LocalValues): LocalShape {
  return {
    replicas: oneOf('--replicas', values.replicas ?? '3', ['1', '2', '3', '4', '5']),
    etcdMembers: oneOf('--etcd-members', values['etcd-members'] ?? '3', ['1', '3', '5']),
    door: values.door === true,
    ...(values.with === undefined ? {} : parseVersion(values.with)),
  };
}

/** Those of `values` that only a control plane of our own has a use for. */
export function localFlagsAmong(values: LocalValues): string[] {
  const names = Object.keys(LOCAL_FLAGS) as (keyof LocalValues)[];
  return names.filter((name) => values[name] !== undefined).map((name) => `--${name}`);
}

function oneOf(flag: string, text: string, allowed: readonly string[]): number {
  if (allowed.includes(text)) return Number(text);
  throw new CommandError(`${flag}: expected one of ${allowed.join(', ')}, got "${text}"`);
}
