// The last minutes, second by second, in arrays whose size is known at the start: a page that is
// opened when something has gone wrong shows what came before.
import { LAG_SECONDS } from '../freshness.ts';
import { BUCKETS_SECONDS } from '../request-series.ts';
import type { EndpointFigures, PageFigures } from './page-figures.ts';
import { quantile } from './quantile.ts';

/** One each second: five minutes. */
export const SLOTS = 300;
/** Of which the figures beside the lines are made; fewer would jump about. */
const DURATION_WINDOW_SLOTS = 15;
/** Changes are rarer than requests. */
const LAG_WINDOW_SLOTS = 60;
const LINES = ['requests', 'errors', 'inFlight', 'watches', 'p99', 'lag'] as const;
const DOOR_LINES = [...LINES, 'moves', 'refusals', 'busy'] as const;

export type Line = (typeof DOOR_LINES)[number];

/** What an endpoint has now that it does not count. */
export interface EndpointLoad {
  readonly name: string;
  readonly inFlight: number;
  readonly watches: number;
}

/** Counts of the last slots, each in buckets. */
class Window {
  private readonly slots: number;
  private readonly stride: number;
  private readonly counts: Float64Array;
  private readonly sums: Float64Array;

  constructor(slots: number, stride: number) {
    this.slots = slots;
    this.stride = stride;
    this.counts = new Float64Array(slots * stride);
    this.sums = new Float64Array(stride);
  }

  add(turn: number, counts: readonly number[]): void {
    const from = (turn % this.slots) * this.stride;
    for (let i = 0; i < this.stride; i += 1) {
      this.counts[from + i] = (this.counts[from + i] ?? 0) + (counts[i] ?? 0);
    }
  }

  /** Forgets what is about to be counted over. */
  begin(turn: number): void {
    const from = (turn % this.slots) * this.stride;
    this.counts.fill(0, from, from + this.stride);
  }

  get total(): Float64Array {
    this.sums.fill(0);
    for (let at = 0; at < this.counts.length; at += 1) {
      const bucket = at % this.stride;
      this.sums[bucket] = (this.sums[bucket] ?? 0) + (this.counts[at] ?? 0);
    }
    return this.sums;
  }
}

/** The lines of one endpoint, or of the whole door. */
export class Track {
  behind: number | undefined;
  private readonly lines = new Map<Line, Float32Array>();
  private readonly durations = new Window(DURATION_WINDOW_SLOTS, BUCKETS_SECONDS.length + 1);
  private readonly lags = new Window(LAG_WINDOW_SLOTS, LAG_SECONDS.length + 1);
  private turn: number;

  /** @param turn of the history that it belongs to */
  constructor(lines: readonly Line[], turn = 0) {
    this.turn = turn;
    for (const line of lines) this.lines.set(line, new Float32Array(SLOTS).fill(Number.NaN));
    this.begin(turn);
  }

  count(figures: EndpointFigures): void {
    this.add('requests', figures.requests);
    this.add('errors', figures.errors);
    this.durations.add(this.turn, figures.durations);
    this.lags.add(this.turn, figures.lags);
    // Several processes see it by other watches: what one has seen has been there.
    const { behind } = figures;
    if (behind !== undefined) this.behind = Math.min(behind, this.behind ?? behind);
  }

  add(line: Line, amount: number): void {
    const values = this.lines.get(line);
    const at = this.turn % SLOTS;
    if (values !== undefined) values[at] = (values[at] ?? 0) + amount;
  }

  max(line: Line, amount: number): void {
    const values = this.lines.get(line);
    const at = this.turn % SLOTS;
    if (values !== undefined) values[at] = Math.max(values[at] ?? 0, amount);
  }

  /** The slot is complete. */
  end(turn: number, seconds: number): void {
    this.divide('requests', seconds);
    this.divide('errors', seconds);
    this.put('p99', this.duration(0.99));
    this.put('lag', this.lag);
    this.begin(turn);
  }

  /** Of requests, LISTs apart, lately; in seconds. */
  duration(part: number): number | undefined {
    return quantile(part, this.durations.total, BUCKETS_SECONDS);
  }

  /** How many requests that is made of. */
  get durationCount(): number {
    return this.durations.total.reduce((total, count) => total + count, 0);
  }

  /** By how much changes come later than from the first endpoint: p99 in seconds. */
  get lag(): number | undefined {
    return quantile(0.99, this.lags.total, LAG_SECONDS);
  }

  /** From the oldest on; NaN where nothing is known. */
  values(line: Line): number[] {
    const values = this.lines.get(line);
    // The present slot is not complete.
    return Array.from(
      { length: SLOTS - 1 },
      (_, i) => values?.[(this.turn + 1 + i) % SLOTS] ?? Number.NaN,
    );
  }

  /** The last complete slots, on average; 0 before there is one. */
  recent(line: Line, slots: number): number {
    const values = this.values(line)
      .slice(-slots)
      .filter((value) => !Number.isNaN(value));
    return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
  }

  private divide(line: Line, by: number): void {
    const values = this.lines.get(line);
    const at = this.turn % SLOTS;
    if (values !== undefined) values[at] = (values[at] ?? 0) / by;
  }

  private put(line: Line, value: number | undefined): void {
    const values = this.lines.get(line);
    if (values !== undefined) values[this.turn % SLOTS] = value ?? Number.NaN;
  }

  private begin(turn: number): void {
    this.turn = turn;
    for (const values of this.lines.values()) values[turn % SLOTS] = 0;
    this.durations.begin(turn);
    this.lags.begin(turn);
  }
}

export class PageHistory {
  /** Everything together. */
  readonly door = new Track(DOOR_LINES);
  slowWatches = 0;
  residentBytes = 0;
  private readonly tracks = new Map<string, Track>();
  private turn = 0;

  /** @param endpoints their names; figures of others count for the door alone */
  constructor(endpoints: readonly string[]) {
    this.follow(endpoints);
  }

  /** The endpoints have these names from now on. */
  follow(endpoints: readonly string[]): void {
    for (const name of this.tracks.keys()) if (!endpoints.includes(name)) this.tracks.delete(name);
    for (const name of endpoints) {
      if (!this.tracks.has(name)) this.tracks.set(name, new Track(LINES, this.turn));
    }
  }

  /** Seconds that it goes back. */
  get seconds(): number {
    return Math.min(this.turn, SLOTS - 1);
  }

  of(endpoint: string): Track | undefined {
    return this.tracks.get(endpoint);
  }

  /** Begins to take the figures of this second, of one process after the other. */
  begin(): void {
    this.slowWatches = 0;
    this.residentBytes = 0;
    for (const track of this.tracks.values()) track.behind = undefined;
  }

  add(figures: PageFigures): void {
    const { door } = this;
    for (const one of figures.endpoints) {
      this.tracks.get(one.name)?.count(one);
      door.count(one);
    }
    for (const { count } of figures.moves) door.add('moves', count);
    for (const { count } of figures.refusals) door.add('refusals', count);
    // Each has one event loop: the busiest is the first at its limit.
    door.max('busy', figures.busy);
    this.slowWatches += figures.slowWatches;
    this.residentBytes += figures.residentBytes;
  }

  /**
   * The second is over.
   * @param seconds how long it really was
   */
  end(loads: readonly EndpointLoad[], seconds = 1): void {
    for (const { name, inFlight, watches } of loads) {
      for (const track of [this.tracks.get(name), this.door]) {
        track?.add('inFlight', inFlight);
        track?.add('watches', watches);
      }
    }
    this.turn += 1;
    for (const track of [...this.tracks.values(), this.door]) track.end(this.turn, seconds);
  }
}
