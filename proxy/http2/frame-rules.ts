import { ConnectionError, ErrorCode } from './errors.ts';
import { Flag, FrameType } from './frame.ts';
import type { FrameSink } from './frame-reader.ts';

/** What the HEADERS frame that begins a header block says of it. */
export interface HeaderBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  /** Its priority names its own stream: a stream error (RFC 7540, section 5.3.1). */
  readonly dependsOnItself: boolean;
}

/** Receives what carries messages, once it has been found legal where it stands. */
export interface MessageTarget {
  /** A whole header block, `input[start, end)`, whatever number of frames it came in. */
  onHeaderBlock(block: HeaderBlock, input: Buffer, start: number, end: number): void;
  onDataFrame(streamId: number, length: number): void;
  onData(streamId: number, bytes: Buffer, overheadBytes: number, endStream: boolean): void;
  onResetStream(streamId: number, code: number): void;
  /** The stream, and only it, has to be ended with `code`. */
  onStreamError(streamId: number, code: number, detail: string): void;
}

/** Receives what steers the connection. */
export interface ControlTarget {
  onSettings(payload: Buffer): void;
  onSettingsAck(): void;
  onPing(payload: Buffer, start: number, ack: boolean): void;
  onGoaway(lastStreamId: number, code: number, detail: string): void;
  onWindowUpdate(streamId: number, increment: number): void;
  /** PRIORITY, or a frame of a type that we do not know: nothing to do but to count it. */
  onIdleFrame(): void;
}

/** Payload sizes that are fixed by the RFC. */
const FIXED_BYTES: Partial<Record<number, number>> = {
  [FrameType.PRIORITY]: 5,
  [FrameType.RST_STREAM]: 4,
  [FrameType.PING]: 8,
  [FrameType.WINDOW_UPDATE]: 4,
};

/** Frames that belong to a stream must name one; those of the connection must not. */
const ON_STREAM: Partial<Record<number, boolean>> = {
  [FrameType.HEADERS]: true,
  [FrameType.PRIORITY]: true,
  [FrameType.RST_STREAM]: true,
  [FrameType.CONTINUATION]: true,
  [FrameType.PUSH_PROMISE]: true,
  [FrameType.SETTINGS]: false,
  [FrameType.PING]: false,
  [FrameType.GOAWAY]: false,
};

/** What a CONTINUATION frame costs at least of the block's limit: empty ones are not free. */
const MIN_CONTINUATION_BYTES = 16;
export const DEPENDS_ON_ITSELF = 'stream depends on itself';

/**
 * The rules of RFC 9113, section 6, that need no knowledge of streams: sizes, stream ids, and the
 * unbroken run of HEADERS and CONTINUATION. Puts header blocks together, within a limit.
 */
export class FrameRules implements FrameSink {
  private readonly messages: MessageTarget;
  private readonly control: ControlTarget;
  private readonly maxBlockBytes: number;
  private settingsSeen = false;
  /** The header block that is open. */
  private block: HeaderBlock | undefined;
  private blockParts: Buffer[] = [];
  private blockBytes = 0;
  private blockCost = 0;
  private blocksBegun = 0;

  /** @param maxBlockBytes bound on one header block as sent, over all its frames */
  constructor(messages: MessageTarget, control: ControlTarget, maxBlockBytes: number) {
    this.messages = messages;
    this.control = control;
    this.maxBlockBytes = maxBlockBytes;
  }

  /** True between a HEADERS frame without END_HEADERS and the end of its block. */
  get midBlock(): boolean {
    return this.block !== undefined;
  }

  /** A name for the block that `midBlock` tells of. */
  get openBlock(): string | undefined {
    return this.block === undefined ? undefined : `block ${this.blocksBegun}`;
  }

  onFrame(
    type: number,
    flags: number,
    streamId: number,
    input: Buffer,
    start: number,
    end: number,
  ): void {
    this.checkPlace(type, flags, streamId, end - start);
    switch (type) {
      case FrameType.HEADERS:
        this.headers(flags, streamId, input, start, end);
        break;
      case FrameType.CONTINUATION:
        this.continuation(flags, input, start, end);
        break;
      case FrameType.RST_STREAM:
        this.messages.onResetStream(streamId, input.readUInt32BE(start));
        break;
      case FrameType.PRIORITY:
        this.control.onIdleFrame();
        if (dependencyAt(input, start) === streamId) {
          this.messages.onStreamError(streamId, ErrorCode.PROTOCOL_ERROR, DEPENDS_ON_ITSELF);
        }
        break;
      case FrameType.PUSH_PROMISE:
        // Clients never may; servers may not to us, since we announce ENABLE_PUSH 0.
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'PUSH_PROMISE');
      default:
        this.controlFrame(type, flags, streamId, input, start, end);
    }
  }

  onDataFrame(streamId: number, length: number): void {
    this.checkOrder(FrameType.DATA, 0, streamId);
    if (streamId === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'DATA on stream 0');
    this.messages.onDataFrame(streamId, length);
  }

  onData(streamId: number, bytes: Buffer, overheadBytes: number, endStream: boolean): void {
    this.messages.onData(streamId, bytes, overheadBytes, endStream);
  }

  private controlFrame(
    type: number,
    flags: number,
    streamId: number,
    input: Buffer,
    start: number,
    end: number,
  ): void {
    switch (type) {
      case FrameType.SETTINGS:
        this.settings(flags, input.subarray(start, end));
        break;
      case FrameType.PING:
        this.control.onPing(input, start, (flags & Flag.ACK) !== 0);
        break;
      case FrameType.GOAWAY:
        this.goaway(input, start, end);
        break;
      case FrameType.WINDOW_UPDATE:
        this.windowUpdate(streamId, input.readUInt32BE(start) & 0x7fff_ffff);
        break;
      default:
        this.control.onIdleFrame();
    }
  }

  private checkPlace(type: number, flags: number, streamId: number, length: number): void {
    this.checkOrder(type, flags, streamId);
    const onStream = ON_STREAM[type];
    if (onStream !== undefined && onStream !== (streamId !== 0)) {
      throw new ConnectionError(
        ErrorCode.PROTOCOL_ERROR,
        `frame type ${type} on stream ${streamId}`,
      );
    }
    const bytes = FIXED_BYTES[type];
    if (bytes === undefined || bytes === length) return;
    // A PRIORITY of a wrong size concerns its stream alone (section 6.3), but whoever sends it
    // does not speak the protocol.
    throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, `frame type ${type} of ${length} bytes`);
  }

  /** The connection begins with SETTINGS (section 3.4); a header block is one run of frames. */
  private checkOrder(type: number, flags: number, streamId: number): void {
    if (!this.settingsSeen) {
      if (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0) {
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'first frame is not SETTINGS');
      }
      this.settingsSeen = true;
    }
    const continuation = type === FrameType.CONTINUATION;
    const expected = continuation ? streamId === this.block?.streamId : !this.midBlock;
    if (!expected) {
      throw new ConnectionError(
        ErrorCode.PROTOCOL_ERROR,
        `frame type ${type} ${this.midBlock ? 'inside' : 'outside'} a header block`,
      );
    }
  }

  private headers(flags: number, streamId: number, input: Buffer, from: number, to: number): void {
    let start = from;
    let end = to;
    const priority = (flags & Flag.PRIORITY) !== 0;
    if (to - from < (flags & Flag.PADDED ? 1 : 0) + (priority ? 5 : 0)) {
      throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'HEADERS too short');
    }
    if (flags & Flag.PADDED) end -= input[start++] ?? 0;
    // Priorities are obsolete (RFC 9113, section 5.3.2); a stream that waits for itself is not.
    const dependsOnItself = priority && dependencyAt(input, start) === streamId;
    if (priority) start += 5;
    if (start > end) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'HEADERS padding too long');
    }
    const endStream = (flags & Flag.END_STREAM) !== 0;
    const block = { streamId, endStream, dependsOnItself };
    if (flags & Flag.END_HEADERS) {
      this.messages.onHeaderBlock(block, input, start, end);
      return;
    }
    this.block = block;
    this.blocksBegun += 1;
    this.addPart(input, start, end);
  }

  private continuation(flags: number, input: Buffer, start: number, end: number): void {
    this.addPart(input, start, end);
    const { block } = this;
    if ((flags & Flag.END_HEADERS) === 0 || block === undefined) return;
    const whole = Buffer.concat(this.blockParts, this.blockBytes);
    this.block = undefined;
    this.blockParts = [];
    this.blockBytes = 0;
    this.blockCost = 0;
    this.messages.onHeaderBlock(block, whole, 0, whole.length);
  }

  /** The block is decoded only when whole, so its size must be bounded (CVE-2024-27316). */
  private addPart(input: Buffer, start: number, end: number): void {
    this.blockCost += Math.max(end - start, MIN_CONTINUATION_BYTES);
    if (this.blockCost > this.maxBlockBytes) {
      throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'header block too large');
    }
    if (start === end) return;
    // A copy: the input may be a piece of a much larger read that would be kept alive.
    this.blockParts.push(Buffer.from(input.subarray(start, end)));
    this.blockBytes += end - start;
  }

  private settings(flags: number, payload: Buffer): void {
    if (flags & Flag.ACK) {
      if (payload.length > 0) {
        throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'SETTINGS ack with a payload');
      }
      this.control.onSettingsAck();
      return;
    }
    if (payload.length % 6 !== 0) {
      throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, `SETTINGS of ${payload.length} bytes`);
    }
    this.control.onSettings(payload);
  }

  private goaway(input: Buffer, start: number, end: number): void {
    if (end - start < 8) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'GOAWAY too short');
    const lastStreamId = input.readUInt32BE(start) & 0x7fff_ffff;
    const code = input.readUInt32BE(start + 4);
    const detail = input.toString('latin1', start + 8, Math.min(end, start + 8 + 256));
    this.control.onGoaway(lastStreamId, code, detail);
  }

  private windowUpdate(streamId: number, increment: number): void {
    if (increment > 0) {
      this.control.onWindowUpdate(streamId, increment);
    } else if (streamId === 0) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'window increment 0');
    } else {
      this.messages.onStreamError(streamId, ErrorCode.PROTOCOL_ERROR, 'window increment 0');
    }
  }
}

/** The stream that a priority at `start` depends on; the first bit is a flag. */
function dependencyAt(input: Buffer, start: number): number {
  return input.readUInt32BE(start) & 0x7fff_ffff;
}
