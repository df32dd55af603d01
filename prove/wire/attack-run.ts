import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Attack } from './attack.ts';
import type { AttackerCall, AttackerData, AttackerReport } from './attacker.ts';
import type { HonestClients, Waits } from './honest-clients.ts';
import { type Open, residentMib, settle, TOKEN, type Victim } from './victim.ts';

export interface AttackOutcome {
  readonly quiet: Waits;
  readonly attacked: Waits;
  readonly report: AttackerReport;
  /** The most that the door's memory grew by, while it was attacked. */
  readonly grownMib: number;
  /** After the attacker has gone. */
  readonly left: Open;
}

export interface AttackRunOptions {
  readonly victim: Victim;
  readonly honest: HonestClients;
  readonly attack: Attack;
  readonly honestCount: number;
  /** Before the attack. */
  readonly quietMs: number;
  readonly attackMs: number;
}

const SAMPLE_MS = 50;
const LEAVE_LIMIT_MS = 5000;
/** How long the attack may go on when its time is over and its end has not been seen yet. */
const END_LIMIT_MS = 15_000;

/** Looks at honest clients first without and then with the attacker. */
export async function runAttack(options: AttackRunOptions): Promise<AttackOutcome> {
  const { victim, honest, attack, quietMs, attackMs } = options;
  honest.collect();
  await delay(quietMs);
  const quiet = honest.collect();
  const before = residentMib(victim);
  const workerData: AttackerData = {
    attack: attack.name,
    port: victim.door.port,
    ca: victim.ca,
    token: TOKEN,
  };
  const worker = new Worker(new URL('./attacker.ts', import.meta.url), { workerData });
  try {
    let most = before;
    const endMs = performance.now() + attackMs;
    while (performance.now() < endMs) {
      await delay(SAMPLE_MS);
      most = Math.max(most, residentMib(victim));
    }
    const attacked = honest.collect();
    await untilAnswered(attack, worker);
    const report = await ask(worker, 'stop');
    const left = await settle(victim, options.honestCount, LEAVE_LIMIT_MS);
    return { quiet, attacked, report, grownMib: most - before, left };
  } finally {
    await worker.terminate();
  }
}

async function ask(worker: Worker, call: AttackerCall): Promise<AttackerReport> {
  worker.postMessage(call);
  const [report] = (await once(worker, 'message')) as [AttackerReport];
  return report;
}

/**
 * An attack that builds up slowly on a busy machine reaches the victim's deadline late. That this
 * takes longer is not what is asked; that it never comes shows in the report.
 */
async function untilAnswered(attack: Attack, worker: Worker): Promise<void> {
  const endMs = performance.now() + END_LIMIT_MS;
  while (wrongEnd(attack, await ask(worker, 'report')) !== undefined) {
    if (performance.now() > endMs) return;
    await delay(SAMPLE_MS);
  }
}

/** Whether the attack was answered as it has to be; otherwise what came instead. */
export function wrongEnd({ end }: Attack, report: AttackerReport): string | undefined {
  const { connections, ended, goawayCodes, streamsReset } = report;
  const seen = JSON.stringify(report);
  if (connections === 0) return 'nothing was attacked';
  if (end === 'streams reset') return streamsReset > 0 ? undefined : seen;
  if (end === 'dropped') return ended > 0 ? undefined : seen;
  return goawayCodes.length === 1 && goawayCodes[0] === end ? undefined : seen;
}
