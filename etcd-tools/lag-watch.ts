// Rounds in a steady rhythm, each with its verdict: what `lag` and `serve` and the gates share.
import { setTimeout as delay } from 'node:timers/promises';
import { CommandError } from '../common/command.ts';
import type { MemberClient } from './member-client.ts';
import { type Roster, readRoster } from './roster.ts';
import type { Round } from './round.ts';
import { Survey } from './survey.ts';
import { judgeRound, NO_HISTORY, type RoundVerdict } from './verdict.ts';

export interface WatchOptions {
  /** From the beginning of one round to the beginning of the next. */
  readonly intervalMs: number;
  /** Of one call; a round waits for at most a second of it. */
  readonly timeoutMs: number;
  /** Ends the watch: it rejects with its reason. */
  readonly signal: AbortSignal;
  /** How many rounds; more where a suspicion needs one to be confirmed. Without end by default. */
  readonly rounds?: number;
}

/** One more round. */
export interface WatchedRound {
  readonly round: Round;
  readonly verdict: RoundVerdict;
  readonly roster: Roster;
}

const PATIENCE_MS = 1000;
// A small difference shows where a member stood still between two answers, so under load it takes
// many of them. Each costs a member less than a tenth of a millisecond.
const BURST = 20;
const ROSTER_ROUNDS = 10;
// Under load a small difference shows in some rounds only.
const MAX_EXTRA_ROUNDS = 10;

/** Asks nobody before the first `next`; the clients stay the caller's to close. */
export async function* watchLag(
  roster: Roster,
  options: WatchOptions,
): AsyncGenerator<WatchedRound, undefined> {
  const { intervalMs, timeoutMs, signal, rounds = Number.POSITIVE_INFINITY } = options;
  const survey = new Survey(roster.clients, {
    nowMs: () => performance.now(),
    wait: untilAborted,
    patienceMs: Math.min(timeoutMs, PATIENCE_MS),
    burst: BURST,
  });
  const current = new CurrentRoster(roster);
  let history = NO_HISTORY;
  for (;;) {
    const startedAtMs = performance.now();
    const round = await survey.round(signal);
    const judged = judgeRound(history, round, current.roster.voterCount);
    history = judged.history;
    yield { round, verdict: judged.verdict, roster: current.roster };
    const extra = judged.verdict.undecided ? MAX_EXTRA_ROUNDS : 0;
    if (round.number >= rounds + extra) return undefined;
    if (round.number % ROSTER_ROUNDS === 0) current.refresh();
    const leftMs = intervalMs - (performance.now() - startedAtMs);
    if (leftMs > 0) await pause(leftMs, survey.returned, signal);
  }
}

/** Until the next round is due, or a member is back; rejects when `signal` is aborted. */
async function pause(ms: number, returned: Promise<void>, signal: AbortSignal): Promise<void> {
  const timer = new AbortController();
  const either = AbortSignal.any([timer.signal, signal]);
  await Promise.race([untilAborted(ms, either), returned]);
  timer.abort();
  signal.throwIfAborted();
}

/** Resolves when the time is over or `signal` aborted, whichever comes first. */
async function untilAborted(ms: number, signal: AbortSignal): Promise<void> {
  // Node rejects an aborted delay.
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

/** The newest roster; a look at the member list never holds a round up. */
class CurrentRoster {
  roster: Roster;
  #reading = false;

  constructor(roster: Roster) {
    this.roster = roster;
  }

  refresh(): void {
    if (this.#reading) return;
    this.#reading = true;
    // Does not reject: a look that fails leaves the roster as it is.
    void this.#read(this.roster.clients);
  }

  async #read(clients: readonly MemberClient[]): Promise<void> {
    try {
      const { names, voterCount, endpointNames } = await readRoster(clients);
      // Nobody answered: what was known before is better than nothing.
      if (names.size > 0) this.roster = { ...this.roster, names, voterCount, endpointNames };
    } catch (error) {
      // Of another cluster now, which the rounds will not compare.
      if (!(error instanceof CommandError)) throw error;
    } finally {
      this.#reading = false;
    }
  }
}
