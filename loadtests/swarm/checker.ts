// Proves that every watcher got every change once and in order. It keeps one number per watcher and
// object, and single sequence numbers only of what has gone wrong.
import type { Mark } from './marker.ts';

export interface CheckerShape {
  readonly watchers: number;
  /** Object `o` and watcher `w` belong together when they have the same remainder by `shards`. */
  readonly objects: number;
  readonly shards: number;
}

export interface Findings {
  /** Changes that a watcher has missed though its watch went on. */
  readonly lost: number;
  readonly duplicated: number;
  readonly outOfOrder: number;
  /** Changes that a new list has jumped over, which is what a list is for. */
  readonly excused: number;
  /** Watchers that had no watch at the end and were behind. */
  readonly unrecovered: number;
}

// What is beyond it is lost for certain: whoever comes so late is not just out of order.
const MISSING_KEPT_PER_OBJECT = 1024;

export class WatchChecker {
  readonly #shape: CheckerShape;
  readonly #perShard: number;
  /** Last sequence number, by watcher and then by object of its shard. */
  readonly #sequences: Int32Array;
  readonly #versions: Float64Array;
  /** Sequence numbers that were jumped over, by the same slot. */
  readonly #missing = new Map<number, Set<number>>();
  #lost = 0;
  #duplicated = 0;
  #outOfOrder = 0;
  #excused = 0;
  #unrecovered = 0;

  constructor(shape: CheckerShape) {
    this.#shape = shape;
    this.#perShard = Math.ceil(shape.objects / shape.shards);
    this.#sequences = new Int32Array(shape.watchers * this.#perShard);
    this.#versions = new Float64Array(shape.watchers);
  }

  get findings(): Findings {
    return {
      lost: this.#lost,
      duplicated: this.#duplicated,
      outOfOrder: this.#outOfOrder,
      excused: this.#excused,
      unrecovered: this.#unrecovered,
    };
  }

  /** Where the watcher goes on from; 0 before its first list. */
  version(watcher: number): number {
    return this.#versions[watcher] ?? 0;
  }

  /** A bookmark: everything up to `version` has been sent. */
  bookmark(watcher: number, version: number): void {
    if (version < this.version(watcher)) this.#outOfOrder += 1;
    else this.#versions[watcher] = version;
  }

  /** An event of a watch, of one of the swarm's objects or of another. */
  event(watcher: number, version: number, mark: Mark | undefined): void {
    const before = this.version(watcher);
    if (version > before) this.#versions[watcher] = version;
    if (mark === undefined) {
      if (version === before) this.#duplicated += 1;
      if (version < before) this.#outOfOrder += 1;
      return;
    }
    const slot = this.#slot(watcher, mark.object);
    if (slot === undefined) return;
    const last = this.#sequences[slot] ?? 0;
    if (mark.sequence <= last) {
      this.#late(slot, mark.sequence);
      return;
    }
    // In its own order, and still after a later change of another object.
    if (version <= before) this.#outOfOrder += 1;
    this.#sequences[slot] = mark.sequence;
    if (mark.sequence > last + 1) this.#jumpedOver(slot, last + 1, mark.sequence);
  }

  /**
   * A list, or all initial events of a watch: what was jumped over is excused.
   *
   * @param marks of all objects that are in it
   */
  replace(watcher: number, version: number, marks: Iterable<Mark>): void {
    const first = this.version(watcher) === 0;
    // Lists are asked for at what was seen last, so none may be older.
    if (version < this.version(watcher)) this.#outOfOrder += 1;
    this.#versions[watcher] = version;
    for (const { object, sequence } of marks) {
      const slot = this.#slot(watcher, object);
      if (slot === undefined) continue;
      const last = this.#sequences[slot] ?? 0;
      if (!first && sequence > last) this.#excused += sequence - last;
      if (sequence < last) this.#outOfOrder += 1;
      this.#sequences[slot] = sequence;
    }
  }

  /** Whether the watcher has all of its objects as they are in `sequences`. */
  isCurrent(watcher: number, sequences: Int32Array): boolean {
    return this.#behind(watcher, sequences) === 0;
  }

  /**
   * The end: what a watcher should have and has not is lost, unless it has no watch.
   *
   * @param sequences by object, as a direct list has them
   */
  finish(sequences: Int32Array, isWatching: (watcher: number) => boolean): void {
    for (let watcher = 0; watcher < this.#shape.watchers; watcher += 1) {
      const behind = this.#behind(watcher, sequences);
      if (behind === 0) continue;
      if (isWatching(watcher)) this.#lost += behind;
      else this.#unrecovered += 1;
    }
  }

  #behind(watcher: number, sequences: Int32Array): number {
    const { shards, objects } = this.#shape;
    let behind = 0;
    for (let object = watcher % shards; object < objects; object += shards) {
      const last = this.#sequences[this.#slot(watcher, object) ?? -1] ?? 0;
      behind += Math.max(0, (sequences[object] ?? 0) - last);
    }
    return behind;
  }

  #slot(watcher: number, object: number): number | undefined {
    const { shards, objects } = this.#shape;
    if (object >= objects || object % shards !== watcher % shards) return undefined;
    return watcher * this.#perShard + Math.floor(object / shards);
  }

  #jumpedOver(slot: number, from: number, to: number): void {
    this.#lost += to - from;
    const missing = this.#missing.get(slot) ?? new Set();
    this.#missing.set(slot, missing);
    for (let sequence = from; sequence < to; sequence += 1) {
      if (missing.size < MISSING_KEPT_PER_OBJECT) missing.add(sequence);
    }
  }

  #late(slot: number, sequence: number): void {
    if (this.#missing.get(slot)?.delete(sequence)) {
      // Not lost after all.
      this.#lost -= 1;
      this.#outOfOrder += 1;
    } else this.#duplicated += 1;
  }
}
