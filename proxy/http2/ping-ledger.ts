import type { FrameWriter } from './frame-writer.ts';

interface Outstanding {
  readonly sentAtMs: number;
  readonly onAck: (roundTripMs: number) => void;
}

/** More unanswered PINGs than this say nothing new. */
const MAX_OUTSTANDING = 16;

/** The PINGs that we have sent and that have not been answered. */
export class PingLedger {
  private readonly writer: FrameWriter;
  private readonly nowMs: () => number;
  private readonly outstanding = new Map<number, Outstanding>();
  private sent = 0;

  constructor(writer: FrameWriter, nowMs: () => number) {
    this.writer = writer;
    this.nowMs = nowMs;
  }

  send(onAck: (roundTripMs: number) => void): void {
    if (this.outstanding.size >= MAX_OUTSTANDING) return;
    this.sent = (this.sent + 1) % 2 ** 32;
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(this.sent, 4);
    this.outstanding.set(this.sent, { sentAtMs: this.nowMs(), onAck });
    this.writer.ping(payload, 0, false);
  }

  /** @returns false for an answer that nobody asked for */
  acknowledge(payload: Buffer, start: number): boolean {
    const number = payload.readUInt32BE(start + 4);
    const ping = this.outstanding.get(number);
    if (ping === undefined || payload.readUInt32BE(start) !== 0) return false;
    this.outstanding.delete(number);
    ping.onAck(this.nowMs() - ping.sentAtMs);
    return true;
  }
}
