// The one place that knows the histogram library: HdrHistogram, so that distributions of several
// processes, runs and machines can be added up without keeping a sample.
import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from 'hdr-histogram-js';

// Three digits are 0.1 %, which is less than two runs on one machine differ by.
const SIGNIFICANT_DIGITS = 3;
/** One hour. Whatever took longer is counted as this long. */
const HIGHEST_US = 3_600_000_000;

/** How long things took, in whole microseconds. */
export class LatencyHistogram {
  readonly #histogram: Histogram;

  constructor(histogram?: Histogram) {
    this.#histogram =
      histogram ??
      build({
        bitBucketSize: 64,
        lowestDiscernibleValue: 1,
        highestTrackableValue: HIGHEST_US,
        numberOfSignificantValueDigits: SIGNIFICANT_DIGITS,
        autoResize: false,
        useWebAssembly: false,
      });
  }

  /** What `encode` has written. Throws when the text is not one. */
  static decode(text: string): LatencyHistogram {
    return new LatencyHistogram(decodeFromCompressedBase64(text));
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  get meanUs(): number {
    return this.#histogram.mean;
  }

  get maxUs(): number {
    return this.#histogram.maxValue;
  }

  record(us: number): void {
    this.#histogram.recordValue(Math.min(HIGHEST_US, Math.max(0, Math.round(us))));
  }

  add(other: LatencyHistogram): void {
    this.#histogram.add(other.#histogram);
  }

  /** The value that `percent` (0 to 100) of all do not exceed; 0 when there are none. */
  percentileUs(percent: number): number {
    return this.#histogram.getValueAtPercentile(percent);
  }

  /** HdrHistogram's own format V2, compressed, as base64: other tools read it too. */
  encode(): string {
    return encodeIntoCompressedBase64(this.#histogram);
  }
}
