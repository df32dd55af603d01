import { vi } from 'vitest';
import type { HeaderList } from '../../../../../proxy/http2/header-list.ts';
import type {
  MessageListener,
  MessageStream,
  ResetReason,
} from '../../../../../proxy/http2/message-stream.ts';

/** Writes down what a stream tells its listener. */
export class Recorder implements MessageListener {
  readonly sections: HeaderList[] = [];
  readonly chunks: Buffer[] = [];
  receivedBytes = 0;
  sentBytes = 0;
  ended = false;
  resets: ResetReason[] = [];
  /** False leaves the bytes with the receiver, so that the sender has to wait. */
  consume = true;

  onHeaders(_stream: MessageStream, headers: HeaderList, endStream: boolean): void {
    this.sections.push(headers);
    this.ended ||= endStream;
  }

  onData(stream: MessageStream, chunk: Buffer, endStream: boolean): void {
    this.chunks.push(chunk);
    this.receivedBytes += chunk.length;
    this.ended ||= endStream;
    if (this.consume) stream.consumed(chunk.length);
  }

  onSent(_stream: MessageStream, bytes: number): void {
    this.sentBytes += bytes;
  }

  onReset(_stream: MessageStream, reason: ResetReason): void {
    this.resets.push(reason);
  }

  get body(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get status(): string | undefined {
    return this.sections[0]?.[1];
  }
}

/** Polls until `condition` holds; a limit that is reached fails the test. */
export function until(condition: () => boolean, timeout = 5000): Promise<unknown> {
  return vi.waitUntil(condition, { timeout, interval: 2 });
}
