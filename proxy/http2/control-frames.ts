import { ConnectionError, ErrorCode, errorName } from './errors.ts';
import type { FloodGuard } from './flood-guard.ts';
import { MAX_INT31 } from './frame.ts';
import type { ControlTarget } from './frame-rules.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { GoingAway } from './going-away.ts';
import type { HpackEncoder } from './hpack-encoder.ts';
import type { PingLedger } from './ping-ledger.ts';
import type { SendTurns } from './send-turns.ts';
import { applySettings, type Settings } from './settings.ts';
import type { Http2Stream } from './stream.ts';
import type { StreamTable } from './stream-table.ts';

/** The parts of a session that frames of control act on. */
export interface ControlParts {
  readonly server: boolean;
  readonly writer: FrameWriter;
  readonly guard: FloodGuard;
  readonly pings: PingLedger;
  readonly turns: SendTurns;
  readonly goaway: GoingAway;
  readonly streams: StreamTable;
  readonly encoder: HpackEncoder;
  /** The peer's settings, changed in place as they arrive. */
  readonly peer: Settings;
  onCapacity(): void;
  /** The peer has our settings: what it sends from now on keeps to them. */
  onSettingsAck(): void;
}

/** What a client may use of a server that has not said a number yet, as Go's client does. */
const STREAMS_BEFORE_SETTINGS = 100;
/** A peer that gives window for each frame, to its stream and to the connection, sends two. */
const WINDOW_UPDATES_PER_DATA_FRAME = 4;

/** SETTINGS, PING, GOAWAY and WINDOW_UPDATE: what steers a connection and carries no message. */
export class ControlFrames implements ControlTarget {
  private readonly parts: ControlParts;
  private settingsReceived = false;
  private windowUpdates = 0;

  constructor(parts: ControlParts) {
    this.parts = parts;
    parts.peer.maxConcurrentStreams = STREAMS_BEFORE_SETTINGS;
  }

  onSettings(payload: Buffer): void {
    this.parts.guard.idleFrame();
    const before = this.parts.peer.initialWindowBytes;
    if (!this.settingsReceived) this.parts.peer.maxConcurrentStreams = Number.POSITIVE_INFINITY;
    applySettings(this.parts.peer, payload);
    this.settingsReceived = true;
    // Before any header block that already makes use of a larger table.
    this.parts.writer.settingsAck();
    this.parts.encoder.setTableLimit(this.parts.peer.headerTableBytes);
    const change = this.parts.peer.initialWindowBytes - before;
    if (change !== 0) {
      for (const stream of this.parts.streams.values()) this.widen(stream, change);
    }
    this.parts.onCapacity();
  }

  onSettingsAck(): void {
    this.parts.guard.idleFrame();
    this.parts.onSettingsAck();
  }

  onPing(payload: Buffer, start: number, ack: boolean): void {
    if (ack) {
      if (!this.parts.pings.acknowledge(payload, start)) this.parts.guard.idleFrame();
      return;
    }
    this.parts.guard.idleFrame();
    this.parts.writer.ping(payload, start, true);
  }

  onGoaway(lastStreamId: number, code: number, detail: string): void {
    this.parts.guard.idleFrame();
    // A client does not answer requests: what a server says it will process does not matter to it.
    if (this.parts.server) return;
    this.parts.goaway.received(lastStreamId);
    const reason = {
      code: ErrorCode.REFUSED_STREAM,
      unprocessed: true,
      ...(code === ErrorCode.NO_ERROR ? { goingAway: true as const } : {}),
      detail: `GOAWAY ${errorName(code)} ${detail}`.trimEnd(),
    };
    for (const stream of this.parts.streams.values()) {
      if (stream.id > lastStreamId) stream.abort(reason);
    }
    this.parts.onCapacity();
  }

  onWindowUpdate(streamId: number, increment: number): void {
    const { turns, streams, guard, writer } = this.parts;
    this.windowUpdates += 1;
    if (this.windowUpdates > WINDOW_UPDATES_PER_DATA_FRAME * writer.dataFrames) guard.idleFrame();
    if (streamId === 0) {
      if (turns.window + increment > MAX_INT31) {
        throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'connection window over 2^31-1');
      }
      turns.window += increment;
      turns.run();
      return;
    }
    const stream = streams.find(streamId);
    if (stream === undefined) return;
    if (stream.sendWindow + increment > MAX_INT31) {
      guard.reset();
      stream.refuse(ErrorCode.FLOW_CONTROL_ERROR, 'stream window over 2^31-1');
      return;
    }
    stream.sendWindow += increment;
    turns.resume(stream);
  }

  onIdleFrame(): void {
    this.parts.guard.idleFrame();
  }

  private widen(stream: Http2Stream, change: number): void {
    stream.sendWindow += change;
    if (stream.sendWindow > MAX_INT31) {
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'stream window over 2^31-1');
    }
    this.parts.turns.resume(stream);
  }
}
