import type { HeaderList } from '../../../../proxy/http2/header-list.ts';
import type {
  MessageListener,
  MessageStream,
  ResetReason,
} from '../../../../proxy/http2/message-stream.ts';

/** One end of an exchange that a test holds in its hands: it plays the peer. */
export class TestStream implements MessageStream {
  listener: MessageListener = { onHeaders() {}, onData() {}, onSent() {}, onReset() {} };
  /** What was sent on it, and its end. */
  text = '';
  ended = false;
  readingStopped = false;
  resetCode: number | undefined;
  consumedBytes = 0;
  /** Takes nothing while it is true, as a client that does not read. */
  stalled = false;
  private untakenBytes = 0;

  sendHeaders(): void {}

  sendData(chunk: Buffer, endStream: boolean): void {
    if (this.ended) return;
    this.text += chunk.toString('latin1');
    this.ended = endStream;
    if (this.stalled) this.untakenBytes += chunk.length;
    else this.listener.onSent(this, chunk.length);
  }

  consumed(bytes: number): void {
    this.consumedBytes += bytes;
  }

  stopReading(): void {
    this.readingStopped = true;
  }

  reset(code: number): void {
    this.resetCode = code;
    this.listener = { onHeaders() {}, onData() {}, onSent() {}, onReset() {} };
  }

  // What the peer does

  headers(fields: HeaderList, endStream = false): void {
    this.listener.onHeaders(this, fields, endStream);
  }

  answer(status = 200, contentType = 'application/json'): void {
    this.headers([':status', `${status}`, 'content-type', contentType], status !== 200);
  }

  data(text: string, endStream = false): void {
    this.listener.onData(this, Buffer.from(text, 'latin1'), endStream);
  }

  end(): void {
    this.data('', true);
  }

  lose(detail = 'connection closed'): void {
    const reason: ResetReason = { code: 8, unprocessed: false, detail };
    this.listener.onReset(this, reason);
  }

  take(): void {
    this.stalled = false;
    const bytes = this.untakenBytes;
    this.untakenBytes = 0;
    this.listener.onSent(this, bytes);
  }
}
