import { ConnectionError, ErrorCode } from './errors.ts';
import type { FrameWriter } from './frame-writer.ts';

/**
 * The window that the peer has for the connection as a whole. It is given back as bytes arrive,
 * not as they are consumed: a stalled stream holds up no other, and each stream is bounded by its
 * own window.
 */
export class ReceiveWindow {
  private readonly writer: FrameWriter;
  private readonly sizeBytes: number;
  private left: number;

  constructor(writer: FrameWriter, sizeBytes: number) {
    this.writer = writer;
    this.sizeBytes = sizeBytes;
    this.left = sizeBytes;
  }

  take(bytes: number): void {
    this.left -= bytes;
    if (this.left < 0) {
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'connection window overrun');
    }
    // In steps of half of it: an update per frame would cost as much as the frame.
    if (this.left * 2 > this.sizeBytes) return;
    this.writer.windowUpdate(0, this.sizeBytes - this.left);
    this.left = this.sizeBytes;
  }
}
