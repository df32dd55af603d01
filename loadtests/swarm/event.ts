// The little that the swarm reads of events and lists: type, revision, and what an ERROR says. Where
// these stand is known, so nothing is decoded but an ERROR, which is rare.

export type Encoding = 'json' | 'protobuf';

export interface EventHead {
  /** ADDED, MODIFIED, DELETED, BOOKMARK or ERROR. */
  readonly type: string;
  /** 0 when there is none, as in an ERROR. */
  readonly version: number;
}

const METADATA = Buffer.from('"metadata":{');
const VERSION = Buffer.from('"resourceVersion":"');
const TYPE = Buffer.from('"type":"');
/** Annotation of the bookmark that ends the initial events (apimachinery meta/v1/types.go). */
const INITIAL_EVENTS_END = Buffer.from('k8s.io/initial-events-end');
const QUOTE = 0x22;
// "k8s" and a zero byte, before every object (runtime/serializer/protobuf/protobuf.go).
const MAGIC_BYTES = 4;

export function readEvent(frame: Buffer, encoding: Encoding): EventHead {
  if (encoding === 'protobuf') {
    // WatchEvent{1: type, 2: RawExtension{1: object}} of meta/v1/generated.proto.
    const type = field(frame, 1)?.toString('latin1') ?? '';
    const raw = nested(frame, [2, 1]);
    return { type, version: raw === undefined ? 0 : protobufVersion(raw, [1], 6) };
  }
  const typeAt = frame.indexOf(TYPE) + TYPE.length;
  const type = frame.toString('latin1', typeAt, frame.indexOf(QUOTE, typeAt));
  return { type, version: jsonVersion(frame) };
}

/** The revision of a whole list. */
export function readListVersion(body: Buffer, encoding: Encoding): number {
  // A list's ListMeta has it as field 2, an object's ObjectMeta as field 6.
  return encoding === 'protobuf' ? protobufVersion(body, [1], 2) : jsonVersion(body);
}

export function endsInitialEvents(frame: Buffer): boolean {
  return frame.includes(INITIAL_EVENTS_END);
}

/** The `code` of the Status in an ERROR, 500 when it has none that can be read. */
export function readErrorCode(frame: Buffer, encoding: Encoding): number {
  if (encoding === 'protobuf') {
    const status = nested(nested(frame, [2, 1])?.subarray(MAGIC_BYTES) ?? Buffer.alloc(0), [2]);
    return (status && varintField(status, 6)) ?? 500;
  }
  const [, code] = /"code":(\d{3})\b/.exec(frame.toString('latin1')) ?? [];
  return code === undefined ? 500 : Number(code);
}

/** Typed objects are written with metadata first, and in it the revision before what users set. */
function jsonVersion(bytes: Buffer): number {
  const metadataAt = bytes.indexOf(METADATA);
  const foundAt = metadataAt < 0 ? -1 : bytes.indexOf(VERSION, metadataAt);
  if (foundAt < 0) return 0;
  const startAt = foundAt + VERSION.length;
  return Number(bytes.toString('latin1', startAt, bytes.indexOf(QUOTE, startAt))) || 0;
}

function protobufVersion(object: Buffer, path: readonly number[], last: number): number {
  // runtime.Unknown{2: raw} after the magic.
  const metadata = nested(object.subarray(MAGIC_BYTES), [2, ...path]);
  const text = metadata && field(metadata, last);
  return Number(text?.toString('latin1')) || 0;
}

function nested(message: Buffer, path: readonly number[]): Buffer | undefined {
  let found: Buffer | undefined = message;
  for (const number of path) found = found && field(found, number);
  return found;
}

interface Field {
  readonly number: number;
  readonly value: Buffer | number;
  readonly endAt: number;
}

function field(message: Buffer, wanted: number): Buffer | undefined {
  const value = find(message, wanted);
  return typeof value === 'number' ? undefined : value;
}

function varintField(message: Buffer, wanted: number): number | undefined {
  const value = find(message, wanted);
  return typeof value === 'number' ? value : undefined;
}

function find(message: Buffer, wanted: number): Buffer | number | undefined {
  for (let at = 0; at < message.length; ) {
    const next = fieldAt(message, at);
    if (next === undefined) return undefined;
    if (next.number === wanted) return next.value;
    at = next.endAt;
  }
  return undefined;
}

/** Undefined for what is cut off or of a wire type that Kubernetes does not use. */
function fieldAt(message: Buffer, at: number): Field | undefined {
  const tag = varint(message, at);
  const value = tag && varint(message, tag.endAt);
  if (tag === undefined || value === undefined) return undefined;
  const number = Math.floor(tag.value / 8);
  if (tag.value % 8 === 0) return { number, value: value.value, endAt: value.endAt };
  const endAt = value.endAt + value.value;
  if (tag.value % 8 !== 2 || endAt > message.length) return undefined;
  return { number, value: message.subarray(value.endAt, endAt), endAt };
}

function varint(message: Buffer, from: number): { value: number; endAt: number } | undefined {
  let value = 0;
  let scale = 1;
  for (let at = from; at < message.length && at < from + 10; at += 1) {
    const byte = message[at] ?? 0;
    value += (byte & 0x7f) * scale;
    scale *= 0x80;
    if (byte < 0x80) return { value, endAt: at + 1 };
  }
  return undefined;
}
