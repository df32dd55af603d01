// How long reads take at one member, both kinds.
import { setTimeout as delay } from 'node:timers/promises';
import { type MemberView, type Outcome, outcomeOf } from './cluster-view.ts';
import type { ReadAnswer } from './member-report.ts';

/** Of several reads, in milliseconds of the monotonic clock. */
export interface ReadTimes {
  readonly medianMs: number;
  readonly maxMs: number;
}

/** How long both kinds of read took at one member. */
export interface MemberReads {
  readonly linearizable: Outcome<ReadTimes>;
  readonly serializable: Outcome<ReadTimes>;
}

const READS = 5;
const READ_GAP_MS = 20;

/** One read after the other: a member is not to be measured under our own load. */
export async function readMember({ client, status }: MemberView): Promise<MemberReads> {
  // Another deadline would pass for nothing.
  if (!status.ok) return { linearizable: status, serializable: status };
  return {
    serializable: await timeReads(() => client.serializableRead()),
    linearizable: await timeReads(() => client.linearizableRead()),
  };
}

async function timeReads(read: () => Promise<ReadAnswer>): Promise<Outcome<ReadTimes>> {
  const tookMs: number[] = [];
  // The first one pays for what comes after it: connections, caches, compiled code.
  const first = await outcomeOf(read());
  if (!first.ok) return first;
  for (let count = 0; count < READS; count += 1) {
    const answer = await outcomeOf(read());
    if (!answer.ok) return answer;
    tookMs.push(answer.value.receivedAtMs - answer.value.sentAtMs);
    await delay(READ_GAP_MS);
  }
  tookMs.sort((a, b) => a - b);
  const medianMs = tookMs[Math.floor(tookMs.length / 2)] ?? Number.NaN;
  return { ok: true, value: { medianMs, maxMs: tookMs.at(-1) ?? Number.NaN } };
}
