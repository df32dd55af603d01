import type { MoveReason, MoveResult, WatchObserver } from '../watch/watch-origin.ts';

/** Counts what becomes of carried watches. */
export class WatchTally implements WatchObserver {
  /** Times that a watch was opened at another endpoint, by `reason result`. */
  private readonly moves = new Map<string, number>();
  /** Watches that went on after their endpoint had cut them off: each would have been a LIST. */
  relistsAvoided = 0;
  private readonly observeGap: (gapSeconds: number) => void;

  /** @param observeGap takes the silence that a client had because its watch had no endpoint */
  constructor(observeGap: (gapSeconds: number) => void) {
    this.observeGap = observeGap;
  }

  moved(reason: MoveReason, result: MoveResult): void {
    const key = `${reason} ${result}`;
    this.moves.set(key, (this.moves.get(key) ?? 0) + 1);
    if (reason === 'lost' && result === 'continued') this.relistsAvoided += 1;
  }

  gap(gapMs: number): void {
    this.observeGap(gapMs / 1000);
  }

  /** For each reason and result that has been seen, how often. */
  *counts(): Iterable<[labels: { reason: string; result: string }, count: number]> {
    for (const [key, count] of this.moves) {
      const [reason = '', result = ''] = key.split(' ');
      yield [{ reason, result }, count];
    }
  }
}
