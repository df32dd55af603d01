// What a run of the swarm comes to: distributions and counts, of all watchers together.
import { LatencyHistogram } from '../histogram.ts';
import type { MetricLine, ResultLine, WindowLine } from '../result.ts';
import type { Findings } from './checker.ts';
import type { Mark } from './marker.ts';

const US_PER_MS = 1000;

export class Figures {
  readonly #series: string;
  readonly #all = new LatencyHistogram();
  readonly #recover = new LatencyHistogram();
  readonly #ends = new Map<string, number>();
  /** By watcher: when it last had news; 0 while it has no watch. */
  readonly #heardAtMs: Float64Array;
  /** By watcher: when its watch was lost; 0 while it has one. */
  readonly #lostAtMs: Float64Array;
  #window = new LatencyHistogram();
  #windowErrors = 0;
  #measuring = false;
  #relists = 0;
  #gapMaxMs = 0;

  constructor(resource: string, watchers: number) {
    this.#series = `watch event ${resource}`;
    this.#heardAtMs = new Float64Array(watchers);
    this.#lostAtMs = new Float64Array(watchers);
  }

  /** From here on it counts; also ends the silence of those that had nothing to hear. */
  measure(nowMs: number): void {
    this.#measuring = true;
    this.#heardAtMs.fill(nowMs);
  }

  /** Measuring is over: the gaps that last until now count too. */
  finish(nowMs: number): void {
    if (!this.#measuring) return;
    for (let watcher = 0; watcher < this.#heardAtMs.length; watcher += 1) {
      this.heard(watcher, nowMs);
    }
    this.#measuring = false;
  }

  event(watcher: number, nowMs: number, mark: Mark | undefined): void {
    this.heard(watcher, nowMs);
    if (mark === undefined || !this.#measuring) return;
    const us = nowMs * US_PER_MS - mark.sentUs;
    this.#all.record(us);
    this.#window.record(us);
  }

  heard(watcher: number, nowMs: number): void {
    const silenceMs = nowMs - (this.#heardAtMs[watcher] ?? nowMs);
    if (this.#measuring && silenceMs > this.#gapMaxMs) this.#gapMaxMs = silenceMs;
    this.#heardAtMs[watcher] = nowMs;
  }

  established(watcher: number, nowMs: number): void {
    const lostAtMs = this.#lostAtMs[watcher] ?? 0;
    this.#lostAtMs[watcher] = 0;
    if (lostAtMs > 0 && this.#measuring) this.#recover.record((nowMs - lostAtMs) * US_PER_MS);
  }

  ended(watcher: number, nowMs: number): void {
    this.#lostAtMs[watcher] = nowMs;
  }

  /** Why a watch was over. */
  reason(why: string): void {
    if (!this.#measuring) return;
    this.#ends.set(why, (this.#ends.get(why) ?? 0) + 1);
    if (why !== 'clean') this.#windowErrors += 1;
  }

  /** A request of the swarm itself. */
  failed(why: string): void {
    this.reason(why);
  }

  relisted(): void {
    if (this.#measuring) this.#relists += 1;
  }

  /** The stretch since the last call. */
  window(atMs: number, lengthMs: number): WindowLine {
    const window = this.#window;
    const errors = this.#windowErrors;
    this.#windowErrors = 0;
    if (window.count > 0) this.#window = new LatencyHistogram();
    return {
      type: 'window',
      series: this.#series,
      atMs,
      lengthMs,
      count: window.count,
      errors,
      p50Ms: window.percentileUs(50) / US_PER_MS,
      p99Ms: window.percentileUs(99) / US_PER_MS,
      maxMs: window.count === 0 ? 0 : window.maxUs / US_PER_MS,
    };
  }

  /** All lines but the end. */
  lines({ lost, duplicated, outOfOrder, excused, unrecovered }: Findings): ResultLine[] {
    const observations = this.#all.count;
    const metric = (name: string, value: number, more: Partial<MetricLine> = {}): MetricLine => ({
      type: 'metric',
      name,
      value,
      unit: '1',
      better: 'lower',
      ...more,
    });
    const critical = { critical: true, observations };
    const latency = (percent: number): MetricLine =>
      metric(
        `watch_latency_p${percent}{${this.#series}}`,
        this.#all.percentileUs(percent) / US_PER_MS,
        { unit: 'ms', observations },
      );
    // Of a watch's ERROR, of its answer, and of a list.
    const gone = ['error 410', 'status 410', 'list 410'];
    const goneCount = gone.reduce((sum, why) => sum + (this.#ends.get(why) ?? 0), 0);
    return [
      { type: 'distribution', series: this.#series, histogram: this.#all.encode() },
      latency(50),
      latency(99),
      metric('watch_events_lost', lost, critical),
      metric('watch_events_duplicated', duplicated, critical),
      metric('watch_events_out_of_order', outOfOrder, critical),
      metric('watch_events_excused', excused),
      metric('watch_unrecovered', unrecovered),
      metric('watch_relists', this.#relists),
      metric('watch_gone', goneCount),
      metric('watch_recover_p99', this.#recover.percentileUs(99) / US_PER_MS, {
        unit: 'ms',
        observations: this.#recover.count,
      }),
      metric('watch_gap_max', this.#gapMaxMs, { unit: 'ms' }),
      ...[...this.#ends].map(([why, count]) => metric(`watch_ends{${why}}`, count)),
    ];
  }
}
