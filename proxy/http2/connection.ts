import type { Duplex } from 'node:stream';
import { ConnectionError, ErrorCode } from './errors.ts';
import { defaultFloodLimits, type FloodLimits } from './flood-guard.ts';
import { PREFACE } from './frame.ts';
import { FrameReader } from './frame-reader.ts';
import { FrameRules } from './frame-rules.ts';
import { FrameWriter } from './frame-writer.ts';
import type { HeaderList } from './header-list.ts';
import type { MessageListener } from './message-stream.ts';
import { Session } from './session.ts';
import { encodeSettings } from './settings.ts';
import { type Http2Stream, lostConnection } from './stream.ts';

export interface ConnectionOptions {
  readonly role: 'server' | 'client';
  /** Streams that the peer may have open at once (server). */
  readonly maxConcurrentStreams?: number;
  /** What may be received and not yet consumed, per stream: bounds the memory of a stalled one. */
  readonly receiveWindowBytes?: number;
  /** Bound on a received header list, counted as RFC 9113, section 10.5.1. */
  readonly maxHeaderListBytes?: number;
  readonly floodLimits?: FloodLimits;
  /** A clock that never goes back, in milliseconds. */
  readonly nowMs: () => number;
}

export interface ConnectionListener {
  /** A request has arrived (server). Its stream's listener must be set before returning. */
  onRequest(stream: Http2Stream, headers: HeaderList, endStream: boolean): void;
  /** A request whose header list is over the limit (server): answer it, and nothing more. */
  onOversizedRequest(stream: Http2Stream): void;
  /** The number of streams that may be opened has changed, or a stream has ended. */
  onCapacity(): void;
  /** The last call: the connection is gone, its streams have been told before. */
  onClose(detail: string): void;
}

const CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024;
const INITIAL_WINDOW_BYTES = 65_535;
const DEFAULT_RECEIVE_WINDOW_BYTES = 256 * 1024;
const DEFAULT_HEADER_LIST_BYTES = 64 * 1024;
const DEFAULT_CONCURRENT_STREAMS = 250;
/** How long the peer has to take the last bytes of a connection that we end. */
const LINGER_MS = 1000;
/** How long the first GOAWAY of two may stay without an answer (RFC 9113, section 6.8). */
const GOAWAY_STEP_MS = 1000;

/**
 * One HTTP/2 connection over a socket, TLS or not. Owns the socket from now on. All calls to
 * listeners come from socket events, one at a time.
 */
export class Connection {
  readonly socket: Duplex;
  /** When bytes last arrived, on the clock given. */
  lastReadAtMs: number;
  private readonly options: ConnectionOptions;
  private readonly listener: ConnectionListener;
  private readonly writer: FrameWriter;
  private readonly session: Session;
  private readonly rules: FrameRules;
  private readonly reader: FrameReader;
  private prefaceBytes: number;
  /** The socket is connected, and its TLS handshake has ended. */
  private established: boolean;
  private closed = false;
  private failing = false;
  private lastError: string | undefined;
  private goawayTimer: NodeJS.Timeout | undefined;

  constructor(socket: Duplex, options: ConnectionOptions, listener: ConnectionListener) {
    this.socket = socket;
    this.options = options;
    this.listener = listener;
    this.lastReadAtMs = options.nowMs();
    this.writer = new FrameWriter(socket);
    const maxHeaderListBytes = options.maxHeaderListBytes ?? DEFAULT_HEADER_LIST_BYTES;
    this.session = new Session(this.writer, {
      server: options.role === 'server',
      maxConcurrentStreams: options.maxConcurrentStreams ?? DEFAULT_CONCURRENT_STREAMS,
      receiveWindowBytes: options.receiveWindowBytes ?? DEFAULT_RECEIVE_WINDOW_BYTES,
      connectionWindowBytes: CONNECTION_WINDOW_BYTES,
      maxHeaderListBytes,
      floodLimits: options.floodLimits ?? defaultFloodLimits,
      nowMs: options.nowMs,
      events: {
        onRequest: (stream, headers, endStream) => listener.onRequest(stream, headers, endStream),
        onOversizedRequest: (stream) => listener.onOversizedRequest(stream),
        onCapacity: () => this.onCapacity(),
      },
    });
    this.rules = new FrameRules(this.session, this.session.control, 2 * maxHeaderListBytes);
    this.reader = new FrameReader(this.rules);
    this.prefaceBytes = options.role === 'server' ? 0 : PREFACE.length;
    this.established = !isConnecting(socket);
    socket.once('secureConnect', () => {
      this.established = true;
    });
    this.begin(maxHeaderListBytes);
    socket.on('data', (input: Buffer) => this.onInput(input));
    socket.on('drain', () => this.session.sendWaiting());
    socket.on('error', (error: Error) => {
      this.lastError ??= error.message;
    });
    socket.on('end', () => this.onLost('connection ended by peer'));
    socket.on('close', () => this.onLost('connection closed'));
  }

  /** Streams that are open now. */
  get openStreams(): number {
    return this.session.streams.size;
  }

  /** Streams that could still be opened now (client). */
  get capacity(): number {
    if (this.closed || this.failing) return 0;
    return this.session.capacity;
  }

  /** False once no new stream may be opened: closed, failing, or told to go away by either side. */
  get accepting(): boolean {
    return !this.closed && !this.failing && !this.session.goingAway;
  }

  /** True while the peer owes us the rest of a frame, of a header block or of the preface. */
  get midMessage(): boolean {
    return this.reader.midFrame || this.rules.midBlock || this.prefaceBytes < PREFACE.length;
  }

  /**
   * Opens a stream with a request (client). The caller has looked at `capacity`.
   * Bytes may be sent at once, before the connection is established: they wait in the socket.
   */
  request(headers: HeaderList, endStream: boolean, listener: MessageListener): Http2Stream {
    return this.session.request(headers, endStream, listener);
  }

  /** Measures a round trip; `onAck` is called with it in milliseconds, or never. */
  ping(onAck: (roundTripMs: number) => void): void {
    if (!this.closed) this.session.ping(onAck);
  }

  /**
   * Ends the connection once its streams have ended, and takes no new ones. A server says so in
   * two steps, so that requests under way are still accepted (RFC 9113, section 6.8).
   */
  shutdown(): void {
    if (this.closed || this.failing || this.session.goingAway) return;
    if (this.options.role === 'client') {
      this.session.finishGoaway();
      this.onCapacity();
      return;
    }
    this.session.beginGoaway(() => this.finishShutdown());
    this.goawayTimer = setTimeout(() => this.finishShutdown(), GOAWAY_STEP_MS);
  }

  /** Ends the connection now; streams that are open are told `detail`. */
  close(detail: string): void {
    if (this.closed || this.failing) return;
    this.writer.goaway(this.session.lastProcessedId, ErrorCode.NO_ERROR, '');
    this.end(detail, false);
  }

  /** Drops the connection without a word: the peer does not answer any more. */
  destroy(detail: string): void {
    this.lastError ??= detail;
    this.socket.destroy();
    this.onLost(detail);
  }

  private begin(maxHeaderListBytes: number): void {
    const { role } = this.options;
    if (role === 'client') this.writer.preface();
    const window = this.options.receiveWindowBytes ?? DEFAULT_RECEIVE_WINDOW_BYTES;
    const common = { initialWindowBytes: window, maxHeaderListBytes };
    this.writer.settings(
      encodeSettings(
        role === 'client'
          ? { ...common, enablePush: false }
          : {
              ...common,
              maxConcurrentStreams: this.options.maxConcurrentStreams ?? DEFAULT_CONCURRENT_STREAMS,
            },
      ),
    );
    this.writer.windowUpdate(0, CONNECTION_WINDOW_BYTES - INITIAL_WINDOW_BYTES);
  }

  private onInput(input: Buffer): void {
    if (this.closed || this.failing) return;
    this.lastReadAtMs = this.options.nowMs();
    try {
      const at = this.readPreface(input);
      if (at < input.length) this.reader.push(at === 0 ? input : input.subarray(at));
    } catch (error) {
      // Anything else is a bug of ours: it must end this connection and no other.
      const failure =
        error instanceof ConnectionError
          ? error
          : new ConnectionError(ErrorCode.INTERNAL_ERROR, String(error));
      if (!(error instanceof ConnectionError)) this.lastError = (error as Error).stack;
      this.writer.goaway(this.session.lastProcessedId, failure.code, failure.message.slice(0, 128));
      this.end(this.lastError ?? failure.message, true);
    }
  }

  private readPreface(input: Buffer): number {
    if (this.prefaceBytes === PREFACE.length) return 0;
    const bytes = Math.min(PREFACE.length - this.prefaceBytes, input.length);
    const expected = PREFACE.subarray(this.prefaceBytes, this.prefaceBytes + bytes);
    if (!expected.equals(input.subarray(0, bytes))) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'not an HTTP/2 connection preface');
    }
    this.prefaceBytes += bytes;
    return bytes;
  }

  private finishShutdown(): void {
    if (this.closed || this.failing) return;
    clearTimeout(this.goawayTimer);
    this.session.finishGoaway();
    this.onCapacity();
  }

  private onCapacity(): void {
    this.listener.onCapacity();
    if (this.session.finished && !this.closed && !this.failing) this.end('shut down', false);
  }

  /** Sends what is gathered, then FIN; a peer that does not go is dropped. */
  private end(detail: string, failed: boolean): void {
    this.failing = true;
    if (failed) this.lastError ??= detail;
    this.writer.flush();
    this.socket.end();
    // Unread input would turn the close into a reset, which can destroy our last frames.
    this.socket.resume();
    const linger = setTimeout(() => this.socket.destroy(), LINGER_MS);
    this.socket.once('close', () => clearTimeout(linger));
    this.abortStreams(detail);
  }

  private onLost(detail: string): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.goawayTimer);
    this.writer.close();
    this.socket.destroy();
    const reason = this.lastError ?? detail;
    this.abortStreams(reason);
    this.listener.onClose(reason);
  }

  private abortStreams(detail: string): void {
    // Before the handshake ends nothing of a request has left this process.
    const unprocessed = this.options.role === 'client' && !this.established;
    this.session.abortAll(lostConnection(detail, unprocessed));
  }
}

/** For a TLS socket: until `secureConnect`. A plain one must be given connected. */
function isConnecting(socket: Duplex): boolean {
  return 'secureConnecting' in socket && socket.secureConnecting === true;
}
