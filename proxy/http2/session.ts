import { ControlFrames } from './control-frames.ts';
import { EarlyResets } from './early-resets.ts';
import { FloodGuard, type FloodLimits } from './flood-guard.ts';
import { MAX_INT31 } from './frame.ts';
import type { FrameWriter } from './frame-writer.ts';
import { GoingAway } from './going-away.ts';
import { type HeaderList, headerValue } from './header-list.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { HpackEncoder } from './hpack-encoder.ts';
import { MessageReceiver } from './message-receiver.ts';
import type { MessageListener } from './message-stream.ts';
import { PingLedger } from './ping-ledger.ts';
import { ReceiveWindow } from './receive-window.ts';
import { SendTurns } from './send-turns.ts';
import { INITIAL_WINDOW_BYTES, initialSettings } from './settings.ts';
import { Http2Stream, lostConnection, type StreamHost } from './stream.ts';
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
  /** A listener has thrown where no input is being read. */
  onFault(error: unknown): void;
}

/** The protocol's own default: a larger table costs memory per connection and saves little. */
const HEADER_TABLE_BYTES = 4096;
/** A connection that has used this many ids is replaced before it runs out of them. */
const LAST_USABLE_ID = MAX_INT31 - 1_000_000;

/** The streams of one connection and what they share. Knows frames, but no socket. */
export class Session implements StreamHost {
  readonly writer: FrameWriter;
  readonly streams: StreamTable;
  readonly receiveWindowBytes: number;
  firstReceiveWindowBytes: number;
  readonly control: ControlFrames;
  readonly messages: MessageReceiver;
  private readonly options: SessionOptions;
  private readonly encoder = new HpackEncoder();
  private readonly pings: PingLedger;
  private readonly turns: SendTurns;
  private readonly peer = initialSettings();
  private readonly goaway: GoingAway;
  private readonly earlyResets: EarlyResets;

  constructor(writer: FrameWriter, options: SessionOptions) {
    this.writer = writer;
    this.options = options;
    this.streams = new StreamTable(options.server);
    this.pings = new PingLedger(writer, options.nowMs);
    this.turns = new SendTurns(writer);
    this.goaway = new GoingAway(writer);
    this.earlyResets = new EarlyResets(options.nowMs);
    this.receiveWindowBytes = options.receiveWindowBytes;
    // Until the peer has our SETTINGS it goes by the default (RFC 9113, section 6.9.2).
    this.firstReceiveWindowBytes = Math.max(INITIAL_WINDOW_BYTES, options.receiveWindowBytes);
    const guard = new FloodGuard(options.floodLimits, options.nowMs);
    this.control = this.makeControl(guard);
    this.messages = this.makeReceiver(guard);
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
    if (this.goingAway) return 0;
    const { maxConcurrentStreams } = this.peer;
    // As many again may wait at the server although they are over for us, and no more.
    const waiting = this.earlyResets.count(this.newestId) - maxConcurrentStreams;
    return Math.max(0, maxConcurrentStreams - this.streams.size - Math.max(0, waiting));
  }

  get goingAway(): boolean {
    return this.goaway.begun;
  }

  /** Streams that have data which no window has let through yet. */
  get waitingStreams(): number {
    return this.turns.size;
  }

  /** Told to go away, by either side, and nothing is left to do. */
  get finished(): boolean {
    return this.goaway.settled && this.streams.size === 0;
  }

  /** What a GOAWAY says was or may have been processed: never more than one before it has said. */
  get lastProcessedId(): number {
    if (!this.options.server) return 0;
    return Math.min(this.goaway.lastStreamId, this.streams.lastPeerId);
  }

  request(headers: HeaderList, endStream: boolean, listener: MessageListener): Http2Stream {
    const stream = this.open(this.streams.nextId);
    stream.listener = listener;
    stream.headRequest = headerValue(headers, ':method') === 'HEAD';
    this.streams.nextId += 2;
    try {
      stream.sendHeaders(headers, endStream);
    } catch (error) {
      // Nothing of it has been sent: the id is skipped, which is legal.
      this.streams.delete(stream.id, false);
      throw error;
    }
    if (this.streams.nextId > LAST_USABLE_ID) this.finishGoaway();
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

  endStalled(limitMs: number): void {
    const nowMs = this.options.nowMs();
    for (const stream of this.streams.values()) stream.endIfStalled(nowMs, limitMs);
  }

  abortAll(detail: string): void {
    for (const stream of this.streams.values()) {
      // What has not been handed to the socket, the peer cannot have processed.
      const unprocessed = !this.options.server && stream.id > this.writer.flushedStreamId;
      stream.abort(lostConnection(detail, unprocessed));
    }
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
    this.turns.remove(stream);
    const early = resetByUs && !this.options.server && !stream.headersReceived;
    if (early) this.earlyResets.add(stream.id, this.newestId);
    this.options.events.onCapacity();
  }

  fault(error: unknown): void {
    this.options.events.onFault(error);
  }

  /** The newest stream that we have started (client). */
  private get newestId(): number {
    return this.streams.nextId - 2;
  }

  private open(streamId: number): Http2Stream {
    const stream = new Http2Stream(streamId, this, this.peer.initialWindowBytes);
    this.streams.add(stream);
    return stream;
  }

  /** The peer has our settings: its streams have the window that we announced. */
  private onSettingsAck(): void {
    const change = this.receiveWindowBytes - this.firstReceiveWindowBytes;
    if (change === 0) return;
    this.firstReceiveWindowBytes = this.receiveWindowBytes;
    for (const stream of this.streams.values()) stream.receiveWindow += change;
  }

  private makeControl(guard: FloodGuard): ControlFrames {
    return new ControlFrames({
      server: this.options.server,
      writer: this.writer,
      guard,
      pings: this.pings,
      turns: this.turns,
      goaway: this.goaway,
      streams: this.streams,
      encoder: this.encoder,
      peer: this.peer,
      onCapacity: this.options.events.onCapacity,
      onSettingsAck: () => this.onSettingsAck(),
    });
  }

  private makeReceiver(guard: FloodGuard): MessageReceiver {
    const { options } = this;
    return new MessageReceiver({
      server: options.server,
      maxConcurrentStreams: options.maxConcurrentStreams,
      streams: this.streams,
      decoder: new HpackDecoder(HEADER_TABLE_BYTES, options.maxHeaderListBytes),
      guard,
      goaway: this.goaway,
      window: new ReceiveWindow(this.writer, options.connectionWindowBytes),
      open: (streamId) => this.open(streamId),
      onRequest: options.events.onRequest,
      onOversizedRequest: options.events.onOversizedRequest,
      onAnswer: (streamId) => this.earlyResets.answered(streamId, this.newestId),
    });
  }
}
