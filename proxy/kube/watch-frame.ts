// What the door knows about one event of a watch, whatever its encoding.

/**
 * The event types of apimachinery pkg/watch/watch.go, and two of our own. `UNKNOWN` is any other
 * type, and whatever could not be read; nothing else is said about it. `BLANK` is white space that came apart from its JSON event:
 * no event, but clients that read line by line wait for it.
 */
export type WatchFrameType =
  | 'ADDED'
  | 'MODIFIED'
  | 'DELETED'
  | 'BOOKMARK'
  | 'ERROR'
  | 'UNKNOWN'
  | 'BLANK';

export interface WatchFrame {
  /**
   * All bytes of the event, framing and white space included. A view of the chunk that was pushed
   * when the event lay within it, else a buffer of its own.
   */
  readonly bytes: Buffer;
  readonly type: WatchFrameType;
  /** An opaque string, never empty. Undefined when there is none, or none that is certain. */
  readonly resourceVersion: string | undefined;
  /** The code of the metav1.Status in an ERROR; undefined for every other type. */
  readonly errorCode: number | undefined;
  /** A BOOKMARK that says that all initial events have been sent (KEP-3157). */
  readonly initialEventsEnd: boolean;
}

/** metav1.InitialEventsAnnotationKey; the value is "true". */
export const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

/**
 * The longest event that client-go accepts (apimachinery pkg/runtime/serializer/streaming). For
 * protobuf the length in front does not count.
 */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/** What `FrameReader.find` returns when it did not find the frame's end. */
export const INCOMPLETE = 0;
export const MALFORMED = -1;
export const TOO_LARGE = -2;

/** One encoding. It keeps its place between two looks at the same frame. */
export interface FrameReader {
  /**
   * The offset after the frame that begins at `start`, or one of the constants above. After
   * INCOMPLETE it is called again with more bytes of the same frame, which may have moved.
   */
  find(bytes: Buffer, start: number, end: number): number;
  /** How much of `chunk`, beginning at `from`, to add to an incomplete frame for the next look. */
  wanted(chunk: Buffer, from: number, heldBytes: number): number;
  /** The frame that `find` has just found, in exactly its bytes. */
  read(bytes: Buffer): WatchFrame;
}

/** A frame of which nothing is known. */
export function plainFrame(bytes: Buffer, type: 'UNKNOWN' | 'BLANK'): WatchFrame {
  const nothing = undefined;
  return { bytes, type, resourceVersion: nothing, errorCode: nothing, initialEventsEnd: false };
}

/** The type that is spelled from `from` to `to`. */
export function frameTypeAt(bytes: Buffer, from: number, to: number): WatchFrameType {
  for (const [type, spelling] of SPELLINGS) {
    if (holdsAt(bytes, from, to, spelling)) return type;
  }
  return 'UNKNOWN';
}

/** Compares without a call into native code, which costs more than a short name's bytes. */
export function holdsAt(bytes: Buffer, from: number, to: number, text: Buffer): boolean {
  if (to - from !== text.length) return false;
  for (let at = 0; at < text.length; at++) {
    if (bytes[from + at] !== text[at]) return false;
  }
  return true;
}

// The most frequent first.
const SPELLINGS = (['MODIFIED', 'ADDED', 'DELETED', 'BOOKMARK', 'ERROR'] as const).map(
  (type) => [type, Buffer.from(type)] as const,
);
