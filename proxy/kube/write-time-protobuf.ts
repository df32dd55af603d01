// The same levels as in watch-protobuf.ts, by the numbers of apimachinery
// pkg/apis/meta/v1/generated.proto and api coordination/v1/generated.proto.
import { ProtobufCursor } from './protobuf-cursor.ts';
import { holdsAt } from './watch-frame.ts';
import type { WriteTime } from './write-time.ts';

const LENGTH_BYTES = 4;
const MAGIC = Buffer.from('k8s\0');

/** Of a WatchEvent the RawExtension, of that its bytes, of runtime.Unknown the same. */
const EVENT_OBJECT = 2;
const EXTENSION_RAW = 1;
const UNKNOWN_RAW = 2;
const METADATA = 1;
const SPEC = 2;
const DELETION_TIMESTAMP = 9;
const MANAGED_FIELDS = 17;
const ENTRY_TIME = 4;
const RENEW_TIME = 4;
/** Of metav1.Time and of MicroTime alike. */
const SECONDS = 1;
const NANOS = 2;
/** The year 9999, as far as a metav1.Time goes. */
const MAX_SECONDS = 253_402_300_799;
const NONE = -1;

export function writeTimeInProtobuf(bytes: Buffer, isLease: boolean): WriteTime | undefined {
  const reader = new FieldReader(bytes);
  const within =
    reader.enter(EVENT_OBJECT) &&
    reader.enter(EXTENSION_RAW) &&
    reader.skip(MAGIC) &&
    reader.enter(UNKNOWN_RAW);
  if (!within) return undefined;
  const { from, to } = reader;
  if (!reader.enter(METADATA)) return undefined;
  const metadata = { from: reader.from, to: reader.to };
  if (reader.enter(DELETION_TIMESTAMP)) return undefined;
  if (isLease) {
    reader.setRange(from, to);
    const atMs = reader.enter(SPEC) ? reader.timestamp(RENEW_TIME) : NONE;
    if (atMs !== NONE) return { atMs, source: 'renew_time' };
  }
  const newestMs = newestOf(reader, metadata.from, metadata.to);
  return newestMs === NONE ? undefined : { atMs: newestMs, source: 'managed_fields' };
}

function newestOf(reader: FieldReader, from: number, to: number): number {
  let newestMs = NONE;
  reader.setRange(from, to);
  while (reader.enter(MANAGED_FIELDS)) {
    const entryEnd = reader.to;
    newestMs = Math.max(newestMs, reader.timestamp(ENTRY_TIME));
    reader.setRange(entryEnd, to);
  }
  return newestMs;
}

/** A range of the event, and the way into a field that is in it. */
class FieldReader {
  from = LENGTH_BYTES;
  to: number;
  private readonly bytes: Buffer;
  private readonly cursor = new ProtobufCursor();

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.to = bytes.length;
  }

  setRange(from: number, to: number): void {
    this.from = from;
    this.to = to;
  }

  /** Narrows the range to the first field of this number; false, and unchanged, if there is none. */
  enter(field: number): boolean {
    const { bytes, cursor, to } = this;
    for (let at = this.from; at < to && cursor.next(bytes, at, to); at = cursor.to) {
      if (!cursor.is(field)) continue;
      this.setRange(cursor.from, cursor.to);
      return true;
    }
    return false;
  }

  skip(start: Buffer): boolean {
    const from = this.from + start.length;
    if (from > this.to || !holdsAt(this.bytes, this.from, from, start)) return false;
    this.from = from;
    return true;
  }

  /** In milliseconds since 1970, or NONE; the range is anywhere afterwards. */
  timestamp(field: number): number {
    if (!this.enter(field)) return NONE;
    const { bytes, cursor, to } = this;
    let seconds = NONE;
    let nanos = 0;
    for (let at = this.from; at < to; at = cursor.to) {
      if (!cursor.next(bytes, at, to)) return NONE;
      if (cursor.isNumber(SECONDS)) seconds = cursor.number(bytes);
      else if (cursor.isNumber(NANOS)) nanos = cursor.number(bytes);
    }
    // A negative number is one of ten bytes, beyond every date.
    if (seconds < 0 || seconds > MAX_SECONDS) return NONE;
    return seconds * 1000 + Math.floor(nanos / 1e6);
  }
}
