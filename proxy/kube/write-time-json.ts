import { holdsAt } from './watch-frame.ts';
import { afterBlanks, afterString, plainStringEnd } from './watch-json-text.ts';
import type { WriteTime } from './write-time.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const OBJECT = Buffer.from('object');
const METADATA = Buffer.from('metadata');
const DELETION = Buffer.from('deletionTimestamp');
const MANAGED_FIELDS = Buffer.from('managedFields');
const TIME = Buffer.from('time');
const SPEC = Buffer.from('spec');
const RENEW_TIME = Buffer.from('renewTime');

/** RFC 3339 as metav1.Time and MicroTime write it: in UTC. */
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;
/**
 * How far into an event is looked. All that is wanted stands in front in what an apiserver writes,
 * where only labels and annotations are before it.
 */
const MAX_READ_BYTES = 64 * 1024;
const NONE = -1;

/** Looks up one member after the other where it stands; nothing is parsed but what is returned. */
export function writeTimeInJson(bytes: Buffer, isLease: boolean): WriteTime | undefined {
  const reader = new MemberReader(bytes);
  const object = reader.member(reader.start, OBJECT);
  const metadata = reader.member(object, METADATA);
  if (metadata === NONE || reader.member(metadata, DELETION) !== NONE) return undefined;
  if (isLease) {
    const atMs = reader.timestamp(reader.member(reader.member(object, SPEC), RENEW_TIME));
    if (atMs !== NONE) return { atMs, source: 'renew_time' };
  }
  let newestMs = NONE;
  reader.eachElement(reader.member(metadata, MANAGED_FIELDS), (entry) => {
    newestMs = Math.max(newestMs, reader.timestamp(reader.member(entry, TIME)));
  });
  return newestMs === NONE ? undefined : { atMs: newestMs, source: 'managed_fields' };
}

/** Places are offsets of values; NONE is passed through, so that look-ups can be chained. */
class MemberReader {
  readonly start: number;
  private readonly bytes: Buffer;
  private readonly end: number;

  constructor(bytes: Buffer) {
    this.bytes = bytes.length > MAX_READ_BYTES ? bytes.subarray(0, MAX_READ_BYTES) : bytes;
    this.end = this.bytes.length;
    this.start = this.skipBlanks(0);
  }

  /** Where the value of a key stands in the object that begins at `at`. */
  member(at: number, key: Buffer): number {
    const { bytes } = this;
    if (at === NONE || bytes[at] !== OPEN_BRACE) return NONE;
    let keyAt = this.skipBlanks(at + 1);
    while (bytes[keyAt] === QUOTE) {
      const keyEnd = afterString(bytes, keyAt + 1, this.end);
      const colon = this.skipBlanks(keyEnd);
      if (bytes[colon] !== COLON) return NONE;
      const value = this.skipBlanks(colon + 1);
      if (holdsAt(bytes, keyAt + 1, keyEnd - 1, key)) return value;
      keyAt = this.next(value);
    }
    return NONE;
  }

  /** Calls back with the place of each element of the array that begins at `at`. */
  eachElement(at: number, look: (at: number) => void): void {
    const { bytes, end } = this;
    if (at === NONE || bytes[at] !== OPEN_BRACKET) return;
    let element = this.skipBlanks(at + 1);
    while (element !== NONE && element < end && bytes[element] !== CLOSE_BRACKET) {
      look(element);
      element = this.next(element);
    }
  }

  /** In milliseconds since 1970, or NONE. */
  timestamp(at: number): number {
    const { bytes } = this;
    if (at === NONE || bytes[at] !== QUOTE) return NONE;
    const to = plainStringEnd(bytes, at + 1);
    const text = to < 0 ? '' : bytes.toString('latin1', at + 1, to);
    const atMs = TIMESTAMP.test(text) ? Date.parse(text) : Number.NaN;
    return atMs >= 0 ? atMs : NONE;
  }

  /** What follows the value at `at` and the comma behind it; NONE if there is no comma. */
  private next(at: number): number {
    const after = this.skipBlanks(this.valueEnd(at));
    return this.bytes[after] === COMMA ? this.skipBlanks(after + 1) : NONE;
  }

  private valueEnd(at: number): number {
    const { bytes, end } = this;
    const first = bytes[at];
    if (first === QUOTE) return afterString(bytes, at + 1, end);
    if (first === OPEN_BRACE || first === OPEN_BRACKET) return this.bracketEnd(at);
    let to = at;
    while (to < end && !endsLiteral(bytes[to])) to += 1;
    return to;
  }

  /** The framer has made sure of the brackets of the whole event. */
  private bracketEnd(from: number): number {
    const { bytes, end } = this;
    let depth = 0;
    let at = from;
    while (at < end) {
      const byte = bytes[at++];
      if (byte === QUOTE) at = afterString(bytes, at, end);
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
      else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
      if (depth === 0) return at;
    }
    return end;
  }

  private skipBlanks(at: number): number {
    return afterBlanks(this.bytes, at, this.end);
  }
}

function endsLiteral(byte: number | undefined): boolean {
  return byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || byte === 0x20;
}
