import type { FrameWriter } from './frame-writer.ts';
import type { Http2Stream } from './stream.ts';

const INITIAL_WINDOW_BYTES = 65_535;

/** The streams that have data waiting, and their turns at the connection's window. */
export class SendTurns {
  /** Bytes that the peer lets us send on the connection as a whole. */
  window = INITIAL_WINDOW_BYTES;
  private readonly writer: FrameWriter;
  private waiting: Http2Stream[] = [];

  constructor(writer: FrameWriter) {
    this.writer = writer;
  }

  add(stream: Http2Stream): void {
    if (stream.waiting || !stream.maySend) return;
    stream.waiting = true;
    this.waiting.push(stream);
  }

  /** The stream's own window has opened. */
  resume(stream: Http2Stream): void {
    this.add(stream);
    if (stream.waiting) this.run();
  }

  /** One frame a stream and turn, until the window, the socket or the data is used up. */
  run(): void {
    while (this.waiting.length > 0 && !this.writer.blocked) {
      const turn = this.waiting;
      this.waiting = [];
      for (const [index, stream] of turn.entries()) {
        if (stream.maySend && !stream.resumeSending()) {
          this.waiting = turn.slice(index).concat(this.waiting);
          return;
        }
        if (stream.maySend) this.waiting.push(stream);
        else stream.waiting = false;
      }
    }
  }
}
