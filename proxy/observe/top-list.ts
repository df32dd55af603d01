// Who asks for most, without a label for each client: the space-saving sketch (Metwally, Agrawal and
// El Abbadi, 2005), of a fixed size, finds everybody who has more than one part in its size.

/** Nobody with more than 1/128 of the whole is missed. */
const SIZE = 128;
const SLOTS = 512;
const SLOT_MASK = SLOTS - 1;
const FREE = -1;
/** "Now" is this window and the one before. */
const WINDOW_MS = 60_000;
const MAX_NAME_LENGTH = 256;

export interface TopEntry {
  readonly names: readonly [string, string];
  readonly perSecond: number;
  /** It may be less by this much: what the sketch does not know for certain. */
  readonly errorPerSecond: number;
}

interface Entry {
  readonly first: string;
  readonly second: string;
  readonly hash: number;
  count: number;
  readonly error: number;
}

/** Counts of one window. Nothing is allocated for who is known. */
class Sketch {
  readonly entries: Entry[] = [];
  /** Index of an entry by hash; linear probing. */
  private readonly slots = new Int16Array(SLOTS).fill(FREE);

  add(hash: number, first: string, second: string, amount: number): void {
    for (let at = hash & SLOT_MASK; ; at = (at + 1) & SLOT_MASK) {
      const index = this.slots[at] ?? FREE;
      const entry = index === FREE ? undefined : this.entries[index];
      if (entry === undefined) break;
      if (entry.hash !== hash || entry.second !== second || entry.first !== first) continue;
      entry.count += amount;
      return;
    }
    this.insert({ hash, first, second, count: amount, error: 0 });
  }

  clear(): void {
    this.entries.length = 0;
    this.slots.fill(FREE);
  }

  private insert(entry: Entry): void {
    if (this.entries.length < SIZE) {
      this.entries.push(entry);
      this.index(entry.hash, this.entries.length - 1);
      return;
    }
    let least = 0;
    for (let i = 1; i < SIZE; i += 1) {
      if ((this.entries[i]?.count ?? 0) < (this.entries[least]?.count ?? 0)) least = i;
    }
    // It takes the place of the one with least, and may have had as much before.
    const error = this.entries[least]?.count ?? 0;
    this.entries[least] = { ...entry, count: entry.count + error, error };
    this.slots.fill(FREE);
    for (const [index, { hash }] of this.entries.entries()) this.index(hash, index);
  }

  private index(hash: number, index: number): void {
    let at = hash & SLOT_MASK;
    while (this.slots[at] !== FREE) at = (at + 1) & SLOT_MASK;
    this.slots[at] = index;
  }
}

/** Those, known by two names, that have the highest amount each second now. */
export class TopList {
  private present = new Sketch();
  private past = new Sketch();
  private startedAtMs = 0;
  private pastMs = 0;

  add(first: string, second: string, amount: number, nowMs: number): void {
    if (nowMs - this.startedAtMs >= WINDOW_MS) this.turn(nowMs);
    if (amount <= 0) return;
    // What is longer was made to cost memory.
    const name = second.length > MAX_NAME_LENGTH ? second.slice(0, MAX_NAME_LENGTH) : second;
    this.present.add(hashOf(first, name), first, name, amount);
  }

  top(limit: number, nowMs: number): TopEntry[] {
    if (nowMs - this.startedAtMs >= WINDOW_MS) this.turn(nowMs);
    const seconds = Math.max(1, (nowMs - this.startedAtMs + this.pastMs) / 1000);
    const all = [...this.present.entries, ...this.past.entries].map(
      ({ first, second, count, error }): TopEntry => ({
        names: [first, second],
        perSecond: count / seconds,
        errorPerSecond: error / seconds,
      }),
    );
    return mergeTop([all], limit);
  }

  private turn(nowMs: number): void {
    const elapsedMs = nowMs - this.startedAtMs;
    // After a longer silence neither window is "now".
    const isRecent = elapsedMs < 2 * WINDOW_MS;
    const { past, present } = this;
    past.clear();
    if (!isRecent) present.clear();
    this.past = present;
    this.present = past;
    this.pastMs = isRecent ? elapsedMs : 0;
    this.startedAtMs = nowMs;
  }
}

/** The first `limit` of several lists together. */
export function mergeTop(lists: readonly (readonly TopEntry[])[], limit: number): TopEntry[] {
  const merged = new Map<string, TopEntry>();
  for (const entry of lists.flat()) {
    const key = entry.names.join('\0');
    const other = merged.get(key);
    merged.set(key, {
      names: entry.names,
      perSecond: entry.perSecond + (other?.perSecond ?? 0),
      errorPerSecond: entry.errorPerSecond + (other?.errorPerSecond ?? 0),
    });
  }
  return [...merged.values()].sort((one, other) => other.perSecond - one.perSecond).slice(0, limit);
}

function hashOf(first: string, second: string): number {
  let hash = 0;
  for (let i = 0; i < first.length; i += 1) hash = (hash * 31 + first.charCodeAt(i)) | 0;
  for (let i = 0; i < second.length; i += 1) hash = (hash * 31 + second.charCodeAt(i)) | 0;
  return hash ^ (hash >>> 15);
}
