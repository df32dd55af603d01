// Walks the tags of protobuf watch events: 4 bytes of length in big endian, then WatchEvent{1: type,
// 2: RawExtension{1: raw}} (apimachinery pkg/util/framer, pkg/apis/meta/v1/generated.proto). The raw
// object is "k8s\0" and runtime.Unknown{1: TypeMeta{2: kind}, 2: raw}. Field 1 of every object is its
// metadata, and all else of it is stepped over.
import { ProtobufCursor } from './protobuf-cursor.ts';
import {
  type FrameReader,
  frameTypeAt,
  holdsAt,
  INCOMPLETE,
  INITIAL_EVENTS_END,
  MALFORMED,
  MAX_FRAME_BYTES,
  plainFrame,
  TOO_LARGE,
  type WatchFrame,
  type WatchFrameType,
} from './watch-frame.ts';

const LENGTH_BYTES = 4;
/** In front of every Kubernetes protobuf object (pkg/runtime/serializer/protobuf/protobuf.go). */
const MAGIC = Buffer.from('k8s\0');

/** ObjectMeta and ListMeta (pkg/apis/meta/v1/generated.proto). */
const OBJECT_VERSION = 6;
const OBJECT_ANNOTATIONS = 12;
const LIST_VERSION = 2;
const STATUS_CODE = 6;

const STATUS = Buffer.from('Status');
const TABLE = Buffer.from('Table');
const LIST = Buffer.from('List');
const INITIAL_EVENTS_END_KEY = Buffer.from(INITIAL_EVENTS_END);
const TRUE = Buffer.from('true');

/**
 * The length in front says where a frame ends, so an event's cost does not grow with its size. Of
 * several equal fields the last one counts. A message that cannot be walked is MALFORMED: then the
 * stream is not what it was taken for, and its lengths are worth nothing either.
 */
export class ProtobufFrameReader implements FrameReader {
  /** Behind the frame's first byte, once its length is known. */
  #frameEnd = 0;

  readonly #at = new ProtobufCursor();

  #type: WatchFrameType = 'UNKNOWN';
  #version: string | undefined;
  #code: number | undefined;
  #initialEventsEnd = false;

  find(bytes: Buffer, start: number, end: number): number {
    if (end - start < LENGTH_BYTES) return INCOMPLETE;
    const length = bytes.readUInt32BE(start);
    if (length > MAX_FRAME_BYTES) return TOO_LARGE;
    this.#frameEnd = LENGTH_BYTES + length;
    if (end - start < this.#frameEnd) return INCOMPLETE;
    const frameEnd = start + this.#frameEnd;
    this.#frameEnd = 0;
    return this.#event(bytes, start + LENGTH_BYTES, frameEnd) ? frameEnd : MALFORMED;
  }

  wanted(chunk: Buffer, from: number, heldBytes: number): number {
    return Math.min(chunk.length - from, Math.max(this.#frameEnd, LENGTH_BYTES) - heldBytes);
  }

  read(bytes: Buffer): WatchFrame {
    if (this.#type === 'UNKNOWN') return plainFrame(bytes, this.#type);
    return {
      bytes,
      type: this.#type,
      resourceVersion: this.#version,
      errorCode: this.#code,
      initialEventsEnd: this.#initialEventsEnd,
    };
  }

  #event(bytes: Buffer, from: number, end: number): boolean {
    this.#type = 'UNKNOWN';
    this.#version = undefined;
    this.#code = undefined;
    this.#initialEventsEnd = false;
    let extensionFrom = 0;
    let extensionEnd = 0;
    for (let at = from; at < end; at = this.#at.to) {
      if (!this.#at.next(bytes, at, end)) return false;
      if (this.#at.is(1)) {
        this.#type = frameTypeAt(bytes, this.#at.from, this.#at.to);
      } else if (this.#at.is(2)) {
        extensionFrom = this.#at.from;
        extensionEnd = this.#at.to;
      }
    }
    return this.#extension(bytes, extensionFrom, extensionEnd);
  }

  // Each level is walked to its end before the next one is entered, since a field that comes again
  // replaces the one before, and since the type, which decides what is read, may stand last.

  #extension(bytes: Buffer, from: number, end: number): boolean {
    let rawFrom = 0;
    let rawEnd = 0;
    for (let at = from; at < end; at = this.#at.to) {
      if (!this.#at.next(bytes, at, end)) return false;
      if (!this.#at.is(1)) continue;
      rawFrom = this.#at.from;
      rawEnd = this.#at.to;
    }
    const objectFrom = rawFrom + MAGIC.length;
    // An object in another encoding has a version that is not read.
    if (rawEnd < objectFrom || !holdsAt(bytes, rawFrom, objectFrom, MAGIC)) return true;
    return this.#unknown(bytes, objectFrom, rawEnd);
  }

  #unknown(bytes: Buffer, from: number, end: number): boolean {
    let objectFrom = 0;
    let objectEnd = 0;
    let versionField = OBJECT_VERSION;
    for (let at = from; at < end; ) {
      if (!this.#at.next(bytes, at, end)) return false;
      at = this.#at.to;
      if (this.#at.is(1)) {
        const field = this.#versionField(bytes, this.#at.from, this.#at.to);
        if (field < 0) return false;
        versionField = field;
      } else if (this.#at.is(2)) {
        objectFrom = this.#at.from;
        objectEnd = this.#at.to;
      }
    }
    return this.#object(bytes, objectFrom, objectEnd, versionField);
  }

  /** By kind: the metadata of a Status, a Table and every list is a ListMeta. */
  #versionField(bytes: Buffer, from: number, end: number): number {
    let field = OBJECT_VERSION;
    for (let at = from; at < end; at = this.#at.to) {
      if (!this.#at.next(bytes, at, end)) return MALFORMED;
      if (this.#at.is(2))
        field = hasListMeta(bytes, this.#at.from, this.#at.to) ? LIST_VERSION : field;
    }
    return field;
  }

  /** Entries of maps and lists are fields of their own here: steps, but no more than steps. */
  #object(bytes: Buffer, from: number, end: number, versionField: number): boolean {
    for (let at = from; at < end; ) {
      if (!this.#at.next(bytes, at, end)) return false;
      at = this.#at.to;
      if (this.#at.is(1)) {
        if (!this.#metadata(bytes, this.#at.from, this.#at.to, versionField)) return false;
      } else if (this.#at.isNumber(STATUS_CODE) && this.#type === 'ERROR') {
        this.#code = this.#at.number(bytes);
      }
    }
    return true;
  }

  #metadata(bytes: Buffer, from: number, end: number, versionField: number): boolean {
    for (let at = from; at < end; ) {
      if (!this.#at.next(bytes, at, end)) return false;
      at = this.#at.to;
      if (this.#at.is(versionField)) {
        // The apiserver writes empty strings out.
        this.#version =
          this.#at.to > this.#at.from
            ? bytes.toString('latin1', this.#at.from, this.#at.to)
            : undefined;
      } else if (this.#at.is(OBJECT_ANNOTATIONS) && this.#type === 'BOOKMARK') {
        if (!this.#annotation(bytes, this.#at.from, this.#at.to)) return false;
      }
    }
    return true;
  }

  /** A map's entry: {1: key, 2: value}. */
  #annotation(bytes: Buffer, from: number, end: number): boolean {
    let keyMatches = false;
    let isTrue = false;
    for (let at = from; at < end; at = this.#at.to) {
      if (!this.#at.next(bytes, at, end)) return false;
      if (this.#at.is(1))
        keyMatches = holdsAt(bytes, this.#at.from, this.#at.to, INITIAL_EVENTS_END_KEY);
      else if (this.#at.is(2)) isTrue = holdsAt(bytes, this.#at.from, this.#at.to, TRUE);
    }
    if (keyMatches) this.#initialEventsEnd = isTrue;
    return true;
  }
}

function hasListMeta(bytes: Buffer, from: number, to: number): boolean {
  if (holdsAt(bytes, from, to, STATUS) || holdsAt(bytes, from, to, TABLE)) return true;
  return to - from >= LIST.length && holdsAt(bytes, to - LIST.length, to, LIST);
}
