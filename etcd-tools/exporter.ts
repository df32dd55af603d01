// What `serve` tells Prometheus: the last verdict, how old it is, and what has failed so far.
import { lagMetrics } from './lag-metrics.ts';
import type { WatchedRound } from './lag-watch.ts';
import { formatAnswer, type Metric } from './output.ts';
import { endpointName } from './roster.ts';

/** Holds the newest round; the clock is handed in. */
export class LagExporter {
  readonly #nowMs: () => number;
  readonly #errors = new Map<string, { readonly labels: Record<string, string>; count: number }>();
  #last: { readonly watched: WatchedRound; readonly atMs: number } | undefined;
  #rounds = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(watched: WatchedRound): void {
    this.#last = { watched, atMs: this.#nowMs() };
    this.#rounds += 1;
    const { verdict, roster } = watched;
    for (const { endpoint, id, answer } of verdict.members) {
      for (const silence of [answer.silence, answer.barrierSilence]) {
        if (silence === undefined) continue;
        const member = endpointName(roster, endpoint, id);
        const call = silence === answer.silence ? 'Status' : 'Range';
        this.#count({ member, endpoint, call, code: silence.code });
      }
    }
  }

  /** In the text format. Before the first round it has no verdicts in it. */
  text(): string {
    const last = this.#last;
    const metrics: Metric[] = [
      ...(last === undefined ? [] : lagMetrics(last.watched)),
      {
        name: 'evenkeel_etcd_verdict_age_seconds',
        help: 'Since the last round ended; what it says of members is so old.',
        samples:
          last === undefined ? [] : [{ labels: {}, value: (this.#nowMs() - last.atMs) / 1000 }],
      },
      {
        name: 'evenkeel_etcd_rounds_total',
        help: 'Rounds over all members.',
        type: 'counter',
        samples: [{ labels: {}, value: this.#rounds }],
      },
      {
        name: 'evenkeel_etcd_errors_total',
        help: 'Calls that a member did not answer, by reason.',
        type: 'counter',
        samples: [...this.#errors.values()].map(({ labels, count }) => ({ labels, value: count })),
      },
    ];
    return formatAnswer({ blocks: [], json: null, metrics }, 'prometheus');
  }

  // Grows with members that were ever there, times a few codes.
  #count(labels: Record<string, string>): void {
    const key = JSON.stringify(labels);
    const known = this.#errors.get(key) ?? { labels, count: 0 };
    known.count += 1;
    this.#errors.set(key, known);
  }
}
