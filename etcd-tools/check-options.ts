// Flags that `preflight`, `gate` and `postcheck` have in common.
import type { CommandOption, FlagValues } from './command.ts';
import { readDurationMs, readSize, readText } from './flag-values.ts';
import type { GatherOptions } from './gather-facts.ts';
import { DEFAULT_HASH_MAX_BYTES } from './hash.ts';
import type { Version } from './version.ts';

const LAG_ROUNDS = 3;

export const CHECK_OPTIONS: readonly CommandOption[] = [
  { name: 'to', value: 'VERSION', help: 'the version that is to be installed' },
  { name: 'observe', value: 'TIME', help: 'how long the leader is watched (30s; gate: 5s)' },
  { name: 'quota', value: 'SIZE', help: '--quota-backend-bytes, which is not told before 3.6' },
  { name: 'hash', help: 'compares the keys of all members too, which scans them' },
];

/** Of `gate` and `postcheck`, which look at what is still on its way. */
export const WAIT_OPTION: CommandOption = {
  name: 'wait',
  value: 'TIME',
  help: 'asks again until all is well, for so long at most',
};

/** Read before anybody is asked. */
export function readGatherOptions(
  flags: FlagValues,
  target: Version,
  observeMs: number,
): GatherOptions {
  return {
    target,
    observeMs: readDurationMs(flags, 'observe', observeMs),
    rounds: LAG_ROUNDS,
    hashMaxBytes: flags.hash === true ? DEFAULT_HASH_MAX_BYTES : undefined,
    quotaBytes: readSize(flags, 'quota'),
    snapshotPath: readText(flags, 'snapshot'),
  };
}
