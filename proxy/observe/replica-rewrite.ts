// Applies a correction to the lines of one family. Lines that it does not concern keep their bytes.
import type { FamilyCorrection, SeriesChange } from './replica-correction.ts';
import { LINE_FEED } from './replica-exposition.ts';
import { seriesKey, valueKey } from './replica-facts.ts';
import { formatSample, parseSample } from './replica-sample.ts';

const READ_VERB = /verb="(GET|LIST|WATCH)"/;

/** For one family in one text: pieces first, then what is left. */
export class FamilyRewriter {
  private readonly family: string;
  private readonly correction: FamilyCorrection;
  private readonly seen = new Set<string>();

  constructor(family: string, correction: FamilyCorrection) {
    this.family = family;
    this.correction = correction;
  }

  /** Whole sample lines, with those of changed series written anew. */
  rewrite(lines: Buffer): Buffer {
    const out: Buffer[] = [];
    // Bytes since `from` are not changed.
    let from = 0;
    let end = 0;
    for (let start = 0; start < lines.length; start = end) {
      end = lines.indexOf(LINE_FEED, start) + 1;
      const line = this.changed(lines.toString('utf8', start, end - 1));
      if (line === undefined) continue;
      out.push(lines.subarray(from, start), Buffer.from(line));
      from = end;
    }
    if (from === 0) return lines;
    out.push(lines.subarray(from));
    return Buffer.concat(out);
  }

  /** Series that are to be changed and were not there. */
  rest(): Buffer {
    const lines: string[] = [];
    for (const [key, change] of this.correction.changes) {
      if (!this.seen.has(key)) lines.push(...this.created(change));
    }
    return Buffer.from(lines.join(''));
  }

  private changed(line: string): string | undefined {
    // Cheaper than reading a line that cannot be meant.
    if (!READ_VERB.test(line)) return undefined;
    const sample = parseSample(line);
    const key = seriesKey(sample.labels.filter(([name]) => name !== 'le'));
    const change = this.correction.changes.get(key);
    if (change === undefined) return undefined;
    this.seen.add(key);
    const delta = change.deltas.get(valueKey(this.family, sample)) ?? 0;
    return delta === 0 ? undefined : formatSample({ ...sample, value: sample.value + delta });
  }

  private created({ labels, deltas }: SeriesChange): string[] {
    return [...deltas].map(([name, value]) => {
      const [suffix = '', le = ''] = name.split(' ');
      const own = le === '' ? labels : [...labels, ['le', le] as const];
      return formatSample({ name: this.family + suffix, labels: own, value, rest: '' });
    });
  }
}
