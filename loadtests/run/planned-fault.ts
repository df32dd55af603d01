// `--fault NAME@10s` and `--fault-command 'CMD@10s'`: what is done to the cluster, and when.
import { CommandError } from '../../common/command.ts';
import { parseDuration } from '../../common/duration.ts';
import { FAULT_NAMES, type FaultName, isFaultName } from '../local/site.ts';

export interface PlannedFault {
  /** Since the measured phase began. */
  readonly afterMs: number;
  readonly does: { readonly name: FaultName } | { readonly command: string };
}

/** A CommandError for a name that is not known, and for a time after the measured phase. */
export function parseFaults(
  { named, commands }: { readonly named: readonly string[]; readonly commands: readonly string[] },
  measureSeconds: number,
): PlannedFault[] {
  const faults = [
    ...named.map((text) => {
      const { what, afterMs } = split('--fault', text, `${FAULT_NAMES[0]}@10s`);
      if (isFaultName(what)) return { afterMs, does: { name: what } };
      const names = FAULT_NAMES.join(', ');
      throw new CommandError(`--fault: expected one of ${names} before the @, got "${what}"`);
    }),
    ...commands.map((text) => {
      const { what, afterMs } = split('--fault-command', text, 'reboot-a-replica.sh@10s');
      return { afterMs, does: { command: what } };
    }),
  ];
  const late = faults.find(({ afterMs }) => afterMs >= measureSeconds * 1000);
  if (late === undefined) return faults;
  throw new CommandError(
    `--fault: ${late.afterMs / 1000} s is not within the ${measureSeconds} s that are measured`,
  );
}

/**
 * Of the suite that is about a fault, where none is given.
 *
 * @param ours whether the control plane is one that can be told to break
 */
export function defaultFaults(
  suite: string,
  measureSeconds: number,
  ours: boolean,
): PlannedFault[] {
  if (suite !== 'replica-restart') return [];
  if (!ours) {
    throw new CommandError(
      'replica-restart: which fault? Give --fault-command, or a control plane of evenkeel-load up',
    );
  }
  // Late enough to know what is normal, and early enough to see it become so again.
  return [{ afterMs: (measureSeconds * 1000) / 4, does: { name: 'replica-kill' } }];
}

function split(flag: string, text: string, example: string): { what: string; afterMs: number } {
  const [, what, after = ''] = /^(.+)@([^@]+)$/s.exec(text) ?? [];
  const afterMs = parseDuration(after);
  if (what !== undefined && afterMs !== undefined) return { what, afterMs };
  throw new CommandError(`${flag}: expected such as ${example}, got "${text}"`);
}
