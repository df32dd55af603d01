import { ControlFrames } from './control-frames.ts';
import { ConnectionError, ErrorCode, errorName } from './errors.ts';
import { FloodGuard, type FloodLimits } from './flood-guard.ts';
import { MAX_INT31 } from './frame.ts';
import type { MessageTarget } from './frame-rules.ts';
import type { FrameWriter } from './frame-writer.ts';
import { GoingAway } from './going-away.ts';
import type { HeaderList } from './header-list.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { HpackEncoder } from './hpack-encoder.ts';
import { takeBody, takeRequest, takeResponse, takeTrailers } from './message-rules.ts';
import type { MessageListener, ResetReason } from './message-stream.ts';
import { PingLedger } from './ping-ledger.ts';
import { ReceiveWindow } from './receive-window.ts';
import { SendTurns } from './send-turns.ts';
import { initialSettings } from './settings.ts';
import { Http2Stream, type StreamHost } from './stream.ts';
import { StreamTable } from './stream-table.ts';

export interface SessionOptions {
  readonly server: boolean;
  readonly maxConcurrentStreams: number;
  readonly receiveWindowBytes: number;
  readonly connectionWindowBytes: number;
  readonly maxHeaderListBytes: number;
  readonly floodLimits: FloodLimits;
  readonly nowMs: () => number;
  readonly events: SessionEvents;
}

export interface SessionEvents {
  onRequest(stream: Http2Stream, headers: HeaderList, endStream: boolean): void;
  onOversizedRequest(stream: Http2Stream): void;
  onCapacity(): void;
}

/** The protocol's own default: a larger table costs memory per connection and saves little. */
const HEADER_TABLE_BYTES = 4096;
/** A connection that has used this many ids is replaced before it runs out of them. */
const LAST_USABLE_ID = MAX_INT31 - 1_000_000;

/** The streams of one connection and the messages on them. Knows frames, but no socket. */
export class Session implements MessageTarget, StreamHost {
  readonly writer: FrameWriter;
  readonly streams: StreamTable;
  readonly receiveWindowBytes: number;
  readonly control: ControlFrames;
  private readonly options: SessionOptions;
  private readonly encoder = new HpackEncoder();
  private readonly decoder: HpackDecoder;
  private readonly guard: FloodGuard;
  private readonly pings: PingLedger;
  private readonly turns: SendTurns;
  private readonly peer = initialSettings();
  private readonly goaway: GoingAway;
  private readonly receiveWindow: ReceiveWindow;
  /** The stream of the DATA frame that is being read; undefined when its bytes are dropped. */
  private dataStream: Http2Stream | undefined;

  constructor(writer: FrameWriter, options: SessionOptions) {
    this.writer = writer;
    this.options = options;
    this.streams = new StreamTable(options.server);
    this.decoder = new HpackDecoder(HEADER_TABLE_BYTES, options.maxHeaderListBytes);
    this.guard = new FloodGuard(options.floodLimits, options.nowMs);
    this.pings = new PingLedger(writer, options.nowMs);
    this.turns = new SendTurns(writer);
    this.receiveWindowBytes = options.receiveWindowBytes;
    this.receiveWindow = new ReceiveWindow(writer, options.connectionWindowBytes);
    this.goaway = new GoingAway(writer);
    this.control = new ControlFrames({
      server: options.server,
      writer,
      guard: this.guard,
      pings: this.pings,
      turns: this.turns,
      goaway: this.goaway,
      streams: this.streams,
      encoder: this.encoder,
      peer: this.peer,
      onCapacity: options.events.onCapacity,
    });
  }

  get sendWindow(): number {
    return this.turns.window;
  }

  set sendWindow(bytes: number) {
    this.turns.window = bytes;
  }

  get maxFrameBytes(): number {
    return this.peer.maxFrameBytes;
  }

  get capacity(): number {
    return this.goingAway ? 0 : Math.max(0, this.peer.maxConcurrentStreams - this.streams.size);
  }

  get goingAway(): boolean {
    return this.goaway.begun;
  }

  /** Told to go away, by either side, and nothing is left to do. */
  get finished(): boolean {
    return this.goaway.settled && this.streams.size === 0;
  }

  /** What a GOAWAY says was or may have been processed. */
  get lastProcessedId(): number {
    return this.options.server ? this.streams.lastPeerId : 0;
  }

  request(headers: HeaderList, endStream: boolean, listener: MessageListener): Http2Stream {
    const stream = new Http2Stream(this.streams.nextId, this, this.peer.initialWindowBytes);
    stream.listener = listener;
    this.streams.nextId += 2;
    this.streams.add(stream);
    if (this.streams.nextId > LAST_USABLE_ID) this.finishGoaway();
    stream.sendHeaders(headers, endStream);
    return stream;
  }

  ping(onAck: (roundTripMs: number) => void): void {
    this.pings.send(onAck);
  }

  /** @param onAnswered the peer has seen it: what it has sent before has arrived */
  beginGoaway(onAnswered: () => void): void {
    this.goaway.announce();
    this.pings.send(onAnswered);
  }

  finishGoaway(): void {
    this.goaway.settle(this.lastProcessedId, !this.options.server);
  }

  sendWaiting(): void {
    this.turns.run();
  }

  abortAll(reason: ResetReason): void {
    for (const stream of this.streams.values()) stream.abort(reason);
  }

  // StreamHost

  encode(headers: HeaderList): Buffer {
    return this.encoder.encode(headers);
  }

  waitToSend(stream: Http2Stream): void {
    this.turns.add(stream);
  }

  release(stream: Http2Stream, resetByUs: boolean): void {
    this.streams.delete(stream.id, resetByUs);
    this.options.events.onCapacity();
  }

  // MessageTarget

  onHeaderBlock(
    streamId: number,
    endStream: boolean,
    input: Buffer,
    start: number,
    end: number,
  ): void {
    // Decoded whatever becomes of it: the next block builds on it (RFC 9113, section 4.3).
    const { headers, overLimit } = this.decoder.decode(input, start, end);
    if (this.options.server && streamId % 2 === 1 && streamId > this.streams.lastPeerId) {
      this.onNewRequest(streamId, headers, endStream, overLimit);
      return;
    }
    const stream = this.streams.findReceiving(streamId);
    if (stream === undefined) return;
    if (stream.remoteEnded) {
      this.fail(stream, ErrorCode.STREAM_CLOSED, 'HEADERS after the end of the stream');
    } else if (overLimit) {
      this.fail(stream, ErrorCode.ENHANCE_YOUR_CALM, 'header list over the limit');
    } else {
      this.onLaterHeaders(stream, headers, endStream);
    }
  }

  onDataFrame(streamId: number, length: number): void {
    this.receiveWindow.take(length);
    const stream = this.streams.findReceiving(streamId);
    this.dataStream = stream;
    if (stream === undefined) return;
    stream.receiveWindow -= length;
    if (stream.remoteEnded) {
      this.fail(stream, ErrorCode.STREAM_CLOSED, 'DATA after the end of the stream');
    } else if (!stream.headersReceived) {
      this.fail(stream, ErrorCode.PROTOCOL_ERROR, 'DATA before the response');
    } else if (stream.receiveWindow < 0) {
      this.fail(stream, ErrorCode.FLOW_CONTROL_ERROR, 'stream window overrun');
    }
  }

  onData(_streamId: number, bytes: Buffer, overheadBytes: number, endStream: boolean): void {
    const empty = bytes.length === 0 && !endStream;
    if (empty) this.guard.idleFrame();
    const stream = this.dataStream;
    if (stream === undefined || stream.closed) return;
    const problem = takeBody(stream, bytes.length, endStream);
    if (problem !== undefined) {
      this.fail(stream, ErrorCode.PROTOCOL_ERROR, problem);
      return;
    }
    if (overheadBytes > 0) stream.consumed(overheadBytes);
    if (empty) return;
    const { listener } = stream;
    if (endStream) stream.endRemote();
    listener.onData(stream, bytes, endStream);
  }

  onResetStream(streamId: number, code: number): void {
    if (this.options.server) this.guard.reset();
    const stream = this.streams.find(streamId);
    stream?.abort({
      code,
      unprocessed: code === ErrorCode.REFUSED_STREAM,
      detail: `RST_STREAM ${errorName(code)}`,
    });
  }

  onStreamError(streamId: number, code: number, detail: string): void {
    const stream = this.streams.isIdle(streamId) ? undefined : this.streams.find(streamId);
    if (stream !== undefined) {
      this.fail(stream, code, detail);
      return;
    }
    this.guard.reset();
    // For an idle stream there is nothing to reset: the peer is beyond repair.
    if (this.streams.isIdle(streamId)) throw new ConnectionError(code, detail);
  }

  private onNewRequest(
    streamId: number,
    headers: HeaderList,
    endStream: boolean,
    overLimit: boolean,
  ): void {
    this.streams.lastPeerId = streamId;
    // After the second GOAWAY the peer knows that this stream will not be processed.
    if (streamId > this.goaway.lastStreamId) {
      this.streams.rememberReset(streamId);
      return;
    }
    const stream = new Http2Stream(streamId, this, this.peer.initialWindowBytes);
    stream.headersReceived = true;
    this.streams.add(stream);
    if (this.streams.size > this.options.maxConcurrentStreams) {
      this.guard.reset();
      stream.reset(ErrorCode.REFUSED_STREAM);
      return;
    }
    const problem = overLimit ? undefined : takeRequest(stream, headers, endStream);
    if (problem !== undefined) {
      this.fail(stream, ErrorCode.PROTOCOL_ERROR, problem);
      return;
    }
    if (endStream) stream.endRemote();
    if (overLimit) this.options.events.onOversizedRequest(stream);
    else this.options.events.onRequest(stream, headers, endStream);
  }

  /** A response, a 1xx response, or trailers of either message. */
  private onLaterHeaders(stream: Http2Stream, headers: HeaderList, endStream: boolean): void {
    const take = stream.headersReceived ? takeTrailers : takeResponse;
    const problem = take(stream, headers, endStream);
    if (problem !== undefined) {
      this.fail(stream, ErrorCode.PROTOCOL_ERROR, problem);
      return;
    }
    const { listener } = stream;
    if (endStream) stream.endRemote();
    listener.onHeaders(stream, headers, endStream);
  }

  /** A fault of the peer on one stream: counted, because each costs us an answer. */
  private fail(stream: Http2Stream, code: number, detail: string): void {
    this.guard.reset();
    stream.refuse(code, detail);
  }
}
