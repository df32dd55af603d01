// Finds the end of each JSON object in a watch stream, and on the way where the few members stand
// that the door wants to know. Nothing is decoded: the bulk of an event is looked at for quotes and
// brackets only.
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
} from './watch-frame.ts';
import {
  afterBlanks,
  afterString,
  plainString,
  plainStringEnd,
  stringValueAt,
  wholeNumber,
} from './watch-json-text.ts';

const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** The objects whose keys matter, each inside the one before; the numbers are their depths. */
const EVENT = 1;
const OBJECT = 2;
const METADATA = 3;
const ANNOTATIONS = 4;

const KEYS = {
  type: Buffer.from('type'),
  object: Buffer.from('object'),
  metadata: Buffer.from('metadata'),
  code: Buffer.from('code'),
  annotations: Buffer.from('annotations'),
  resourceVersion: Buffer.from('resourceVersion'),
  initialEventsEnd: Buffer.from(INITIAL_EVENTS_END),
} as const;

// "code" with one letter spelled as \uXXXX. No shorter key can be one of ours in disguise.
const MIN_ESCAPED_KEY_BYTES = 9;

/**
 * Boundaries do not depend on line feeds, nor on the order of keys. Of several equal keys the last
 * one counts, with JSON.parse's meaning: a second "metadata" replaces the first. Go merges the two,
 * so a version may be missed, never invented. An event is UNKNOWN when a key beside ours is
 * spelled with escapes, for it could be one of ours; no Kubernetes encoder writes such keys.
 *
 * JSON that is not well formed is found out only where it confuses the brackets.
 */
export class JsonFrameReader implements FrameReader {
  /** Looked at so far. All offsets count from the frame's first byte. */
  #at = 0;
  #depth = 0;
  /** The innermost object whose keys matter and that is still open. Deeper is only skipped. */
  #zone = 0;
  #insideString = false;
  /** Where the unfinished string of this zone began. */
  #stringAt = 0;
  #expectsKey = false;
  /** The next object is the next zone. */
  #entering = false;
  /** Offsets behind a key, 0 where it has not been met. */
  #typeAt = 0;
  #codeAt = 0;
  #versionAt = 0;
  #initialEndAt = 0;
  #ambiguous = false;
  #blank = false;

  find(bytes: Buffer, start: number, end: number): number {
    if (this.#at === 0) {
      // Not kept for the next event: a client that reads lines waits for this line's end.
      const blankEnd = afterBlanks(bytes, start, end);
      this.#blank = blankEnd > start;
      if (this.#blank) return blankEnd;
      if (bytes[start] !== OPEN_BRACE) return MALFORMED;
      this.#begin();
    }
    // The part that was scanned before is not looked at again, however often this is called.
    const sane = this.#scan(bytes, start, end);
    if (!sane) return MALFORMED;
    const length = this.#depth === 0 ? this.#at : end - start;
    if (length > MAX_FRAME_BYTES) return TOO_LARGE;
    if (this.#depth > 0) return INCOMPLETE;
    this.#at = 0;
    // The line feed that ends an event belongs to it, when it is here already.
    return afterBlanks(bytes, start + length, end);
  }

  /** Through the next line feed: the apiserver ends each event with one. Only a hint. */
  wanted(chunk: Buffer, from: number): number {
    const lineFeed = chunk.indexOf(LINE_FEED, from);
    return (lineFeed < 0 ? chunk.length : lineFeed + 1) - from;
  }

  read(bytes: Buffer): WatchFrame {
    if (this.#blank) return plainFrame(bytes, 'BLANK');
    if (this.#ambiguous || this.#typeAt === 0) return plainFrame(bytes, 'UNKNOWN');
    const from = stringValueAt(bytes, this.#typeAt);
    const type = frameTypeAt(bytes, from, plainStringEnd(bytes, from));
    if (type === 'UNKNOWN') return plainFrame(bytes, type);
    return {
      bytes,
      type,
      resourceVersion: this.#versionAt === 0 ? undefined : plainString(bytes, this.#versionAt),
      errorCode:
        type === 'ERROR' && this.#codeAt > 0 ? wholeNumber(bytes, this.#codeAt) : undefined,
      initialEventsEnd:
        type === 'BOOKMARK' &&
        this.#initialEndAt > 0 &&
        plainString(bytes, this.#initialEndAt) === 'true',
    };
  }

  #begin(): void {
    this.#at = 1;
    this.#depth = EVENT;
    this.#zone = EVENT;
    this.#insideString = false;
    this.#expectsKey = true;
    this.#entering = false;
    this.#typeAt = 0;
    this.#ambiguous = false;
    this.#forgetObject();
  }

  #forgetObject(): void {
    this.#codeAt = 0;
    this.#forgetMetadata();
  }

  #forgetMetadata(): void {
    this.#versionAt = 0;
    this.#initialEndAt = 0;
  }

  /** Up to the end of the object or of the input. False for brackets that do not match. */
  #scan(bytes: Buffer, start: number, end: number): boolean {
    let at = start + this.#at;
    if (this.#insideString) at = this.#string(bytes, at, start, end);
    while (at < end && this.#depth > 0) {
      if (this.#depth > this.#zone) {
        at = this.#skip(bytes, at, end);
      } else {
        if (bytes[at] === CLOSE_BRACKET) return false;
        at = this.#step(bytes, at, start, end);
      }
    }
    this.#at = at - start;
    return true;
  }

  /**
   * Through what is of no interest, as far as it goes. Most bytes of an event are read here, so
   * the state is kept in variables and keys are not told from values.
   */
  #skip(bytes: Buffer, from: number, end: number): number {
    const zone = this.#zone;
    let depth = this.#depth;
    let at = from;
    while (at < end) {
      const byte = bytes[at++];
      if (byte === QUOTE) {
        at = afterString(bytes, at, end);
        if (at > end) {
          this.#insideString = true;
          at--;
          break;
        }
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        depth++;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        if (--depth === zone) break;
      }
    }
    this.#depth = depth;
    return at;
  }

  /**
   * One token of an object whose keys matter. A value that is no object is passed over as it comes;
   * the comma behind it then takes back that an object was to be entered.
   */
  #step(bytes: Buffer, at: number, start: number, end: number): number {
    switch (bytes[at]) {
      case QUOTE:
        this.#stringAt = at - start;
        return this.#string(bytes, at + 1, start, end);
      case COLON:
        this.#expectsKey = false;
        break;
      case COMMA:
        this.#expectsKey = true;
        this.#entering = false;
        break;
      case OPEN_BRACE:
        this.#depth++;
        if (this.#entering) this.#zone++;
        this.#expectsKey = this.#entering;
        this.#entering = false;
        break;
      case OPEN_BRACKET:
        this.#depth++;
        break;
      case CLOSE_BRACE:
        this.#zone = --this.#depth;
        break;
      default: // White space, and the characters of numbers and literals.
    }
    return at + 1;
  }

  /** Goes on behind a string's quote, or amid the string after more input has come. */
  #string(bytes: Buffer, at: number, start: number, end: number): number {
    const after = afterString(bytes, at, end);
    this.#insideString = after > end;
    if (after > end) return after - 1;
    if (this.#depth === this.#zone && this.#expectsKey) {
      this.#key(bytes, start + this.#stringAt + 1, after - 1, after - start);
    }
    return after;
  }

  #key(bytes: Buffer, from: number, to: number, valueAt: number): void {
    switch (this.#zone) {
      case EVENT:
        if (holdsAt(bytes, from, to, KEYS.type)) this.#typeAt = valueAt;
        else if (holdsAt(bytes, from, to, KEYS.object)) this.#enterObject();
        else this.#checkSpelling(bytes, from, to);
        break;
      case OBJECT:
        if (holdsAt(bytes, from, to, KEYS.metadata)) this.#enterMetadata();
        else if (holdsAt(bytes, from, to, KEYS.code)) this.#codeAt = valueAt;
        else this.#checkSpelling(bytes, from, to);
        break;
      case METADATA:
        if (holdsAt(bytes, from, to, KEYS.resourceVersion)) this.#versionAt = valueAt;
        else if (holdsAt(bytes, from, to, KEYS.annotations)) this.#enterAnnotations();
        else this.#checkSpelling(bytes, from, to);
        break;
      case ANNOTATIONS:
        if (holdsAt(bytes, from, to, KEYS.initialEventsEnd)) this.#initialEndAt = valueAt;
        else this.#checkSpelling(bytes, from, to);
        break;
      default:
    }
  }

  #enterObject(): void {
    this.#forgetObject();
    this.#entering = true;
  }

  #enterMetadata(): void {
    this.#forgetMetadata();
    this.#entering = true;
  }

  #enterAnnotations(): void {
    this.#initialEndAt = 0;
    this.#entering = true;
  }

  #checkSpelling(bytes: Buffer, from: number, to: number): void {
    if (to - from < MIN_ESCAPED_KEY_BYTES) return;
    for (let at = from; at < to; at++) {
      if (bytes[at] === BACKSLASH) this.#ambiguous = true;
    }
  }
}
