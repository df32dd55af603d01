import type { FrameWriter } from './frame-writer.ts';
import { INITIAL_WINDOW_BYTES } from './settings.ts';
import type { Http2Stream } from './stream.ts';

/** The streams that have data waiting, and their turns at the connection's window. */
export class SendTurns {
  /** Bytes that the peer lets us send on the connection as a whole. */
  window = INITIAL_WINDOW_BYTES;
  private readonly writer: FrameWriter;
  /** In the order of their turns: a Set keeps the order of insertion, and removal is cheap. */
  private readonly waiting = new Set<Http2Stream>();
  private running = false;

  constructor(writer: FrameWriter) {
    this.writer = writer;
  }

  /** Streams that wait. */
  get size(): number {
    return this.waiting.size;
  }

  add(stream: Http2Stream): void {
    if (stream.maySend) this.waiting.add(stream);
  }

  /** A stream that is over must not be kept alive by a window that never opens. */
  remove(stream: Http2Stream): void {
    this.waiting.delete(stream);
  }

  /** The stream's own window has opened. */
  resume(stream: Http2Stream): void {
    this.add(stream);
    if (this.waiting.has(stream)) this.run();
  }

  /** One frame a stream and turn, until the window, the socket or the data is used up. */
  run(): void {
    // A listener that is told of bytes sent can bring us here again: the loop below goes on then.
    if (this.running || this.waiting.size === 0) return;
    this.running = true;
    try {
      for (const stream of this.waiting) {
        if (this.writer.blocked) return;
        if (stream.maySend && !stream.resumeSending()) return;
        this.waiting.delete(stream);
        // The loop comes to it again behind all others.
        this.add(stream);
      }
    } finally {
      this.running = false;
    }
  }
}
