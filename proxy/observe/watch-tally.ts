import type { MoveReason, MoveResult, WatchObserver } from '../watch/watch-origin.ts';
import { type Series, SeriesTable } from './series-table.ts';

export const GAP_SECONDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Counts what becomes of carried watches. */
export class WatchTally implements WatchObserver {
  readonly continuations = new SeriesTable({
    name: 'evenkeel_watch_continuations_total',
    help: 'Times that a watch was to go on at another endpoint, by reason and what came of it.',
    type: 'counter',
    labelNames: ['reason', 'result'],
  });
  /** Each would have been a LIST. */
  private readonly relistsAvoided = new SeriesTable({
    name: 'evenkeel_relists_avoided_total',
    help: 'Watches that went on after their endpoint had cut them off.',
    type: 'counter',
    labelNames: [],
  });
  readonly gaps = new SeriesTable({
    name: 'evenkeel_watch_gap_seconds',
    help: 'How long a carried watch was without an endpoint. Its client saw silence.',
    type: 'histogram',
    labelNames: [],
    bounds: GAP_SECONDS,
  });

  constructor() {
    this.relistsAvoided.row([]);
    this.gaps.row([]);
  }

  get all(): readonly Series[] {
    return [this.gaps, this.continuations, this.relistsAvoided];
  }

  moved(reason: MoveReason, result: MoveResult): void {
    this.continuations.add(this.continuations.row([reason, result]), 1);
    if (reason === 'lost' && result === 'continued') this.relistsAvoided.add(0, 1);
  }

  gap(gapMs: number): void {
    this.gaps.observe(0, gapMs / 1000);
  }
}
