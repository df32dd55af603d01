// Checks that are asked again until they pass, for those who wait for a member to come back.
import { setTimeout as delay } from 'node:timers/promises';
import type { ExitCode } from '../common/exit-code.ts';
import { exitOfItems, type Item, openItems } from './check-item.ts';
import type { CommandContext } from './command.ts';
import { ETCD_EXIT } from './exit-code.ts';

/** One look, whatever else it found beside the items. */
export interface Look {
  readonly items: readonly Item[];
}

const RETRY_MS = 1000;

/** Resolves with the first look that passes, or with the last one when `waitMs` are over. */
export async function untilPassed<T extends Look>(
  waitMs: number,
  { say, signal }: Pick<CommandContext, 'say' | 'signal'>,
  look: () => Promise<T>,
): Promise<T> {
  const deadlineMs = performance.now() + waitMs;
  for (;;) {
    const found = await look();
    if (isFinal(exitOfItems(found.items)) || performance.now() >= deadlineMs) return found;
    say(`not yet: ${openItems(found.items).join(', ')}`);
    await delay(RETRY_MS, undefined, { signal });
  }
}

/** Waiting does not mend a member that has diverged. */
function isFinal(exit: ExitCode): boolean {
  return exit === ETCD_EXIT.ok || exit === ETCD_EXIT.diverged;
}
