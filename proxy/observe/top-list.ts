// Who asks for most, without a label for each client: a space-saving sketch (Metwally, Agrawal and
// El Abbadi, 2005) of a fixed size. Divided into sets, as processor caches are, so that one that is
// not in it costs no more than one that is.

const WAYS = 8;
const SETS = 128;
const SET_MASK = SETS - 1;
/** "Now" is this window and the one before. */
export const TOP_WINDOW_MS = 60_000;
const MAX_NAME_LENGTH = 256;
/** Of a long name its beginning and its end tell it from others. */
const HASHED_AHEAD = 24;
const HASHED_BEHIND = 8;

/** Who asks: a user, a user agent, an address. */
export type CallerKey = readonly [user: string, userAgent: string, address: string];

export interface TopEntry {
  readonly names: readonly string[];
  readonly perSecond: number;
  /** It may be less by this much: what the sketch does not know for certain. */
  readonly errorPerSecond: number;
}

/** Counts of one window. Nothing is allocated for who is known. */
class Sketch {
  readonly counts = new Float64Array(SETS * WAYS);
  readonly errors = new Float64Array(SETS * WAYS);
  readonly users: string[] = new Array(SETS * WAYS).fill('');
  readonly agents: string[] = new Array(SETS * WAYS).fill('');
  readonly addresses: string[] = new Array(SETS * WAYS).fill('');
  private readonly hashes = new Int32Array(SETS * WAYS);

  add(hash: number, key: CallerKey, amount: number): void {
    const { counts, hashes } = this;
    const from = (hash & SET_MASK) * WAYS;
    let least = from;
    for (let at = from; at < from + WAYS; at += 1) {
      const count = counts[at] ?? 0;
      if (hashes[at] === hash && count > 0 && this.isAt(at, key)) {
        counts[at] = count + amount;
        return;
      }
      if (count < (counts[least] ?? 0)) least = at;
    }
    // It takes the place of the one with least, and may have had as much before.
    const error = counts[least] ?? 0;
    this.errors[least] = error;
    counts[least] = error + amount;
    hashes[least] = hash;
    this.users[least] = key[0];
    this.agents[least] = key[1];
    this.addresses[least] = key[2];
  }

  clear(): void {
    this.counts.fill(0);
    this.errors.fill(0);
    this.users.fill('');
    this.agents.fill('');
    this.addresses.fill('');
  }

  keyAt(at: number): CallerKey {
    return [this.users[at] ?? '', this.agents[at] ?? '', this.addresses[at] ?? ''];
  }

  private isAt(at: number, [user, agent, address]: CallerKey): boolean {
    return this.users[at] === user && this.agents[at] === agent && this.addresses[at] === address;
  }
}

/** Those that have the highest amount each second now. */
export class TopList {
  private present = new Sketch();
  private past = new Sketch();
  private startedAtMs = 0;
  private pastMs = 0;

  /** @param hash `hashOf` the key, whose names have been clipped */
  add(hash: number, key: CallerKey, amount: number, nowMs: number): void {
    if (nowMs - this.startedAtMs >= TOP_WINDOW_MS) this.turn(nowMs);
    if (amount > 0) this.present.add(hash, key, amount);
  }

  top(limit: number, nowMs: number): TopEntry[] {
    if (nowMs - this.startedAtMs >= TOP_WINDOW_MS) this.turn(nowMs);
    const seconds = Math.max(1, (nowMs - this.startedAtMs + this.pastMs) / 1000);
    const entries: TopEntry[] = [];
    for (const sketch of [this.present, this.past]) {
      for (const [at, count] of sketch.counts.entries()) {
        if (count === 0) continue;
        const errorPerSecond = (sketch.errors[at] ?? 0) / seconds;
        entries.push({ names: sketch.keyAt(at), perSecond: count / seconds, errorPerSecond });
      }
    }
    return mergeTop([entries], limit);
  }

  private turn(nowMs: number): void {
    const elapsedMs = nowMs - this.startedAtMs;
    // After a longer silence neither window is "now".
    const isRecent = elapsedMs < 2 * TOP_WINDOW_MS;
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

/** What is longer was made to cost memory. */
export function clipName(name: string): string {
  return name.length > MAX_NAME_LENGTH ? name.slice(0, MAX_NAME_LENGTH) : name;
}

export function hashOf([user, agent, address]: CallerKey): number {
  const hash = hashInto(hashInto(hashInto(0, user), agent), address);
  return hash ^ (hash >>> 15);
}

function hashInto(start: number, name: string): number {
  let hash = (start * 31 + name.length) | 0;
  const end = Math.min(name.length, HASHED_AHEAD);
  for (let i = 0; i < end; i += 1) hash = (hash * 31 + name.charCodeAt(i)) | 0;
  for (let i = Math.max(end, name.length - HASHED_BEHIND); i < name.length; i += 1) {
    hash = (hash * 31 + name.charCodeAt(i)) | 0;
  }
  return hash;
}
