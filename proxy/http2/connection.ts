import type { Duplex } from 'node:stream';
import { connectionLimits } from './connection-limits.ts';
import type { ConnectionListener, ConnectionOptions } from './connection-options.ts';
import { PrefaceReader } from './connection-preface.ts';
import { ConnectionError, ErrorCode, stackOf } from './errors.ts';
import { eventOfEstablishment } from './establishment.ts';
import { defaultFloodLimits } from './flood-guard.ts';
import { FrameReader } from './frame-reader.ts';
import { FrameRules } from './frame-rules.ts';
import { FrameWriter } from './frame-writer.ts';
import type { HeaderList } from './header-list.ts';
import type { MessageListener } from './message-stream.ts';
import { OwedInput } from './owed-input.ts';
import { Session } from './session.ts';
import { encodeSettings, INITIAL_WINDOW_BYTES } from './settings.ts';
import type { Http2Stream } from './stream.ts';
import { WriteBuffers } from './write-buffers.ts';

/**
 * One HTTP/2 connection over a socket, TLS or not. Owns the socket from now on. What is written to
 * it is written over once its callback has been called, as sockets of the system allow; one that
 * keeps bytes longer must copy them. All calls to listeners come from socket events, one at a time. A listener that throws ends this connection
 * with INTERNAL_ERROR, and `onClose` is told of it; `onClose` itself must not throw.
 */
export class Connection {
  readonly socket: Duplex;
  /** When bytes last arrived, on the clock given. */
  lastReadAtMs: number;
  /** When what had been sent could leave; undefined before. */
  readyAtMs: number | undefined;
  private readonly options: ConnectionOptions;
  private readonly listener: ConnectionListener;
  private readonly writer: FrameWriter;
  private readonly session: Session;
  private readonly rules: FrameRules;
  private readonly reader: FrameReader;
  /** Undefined once it has been read, and on a client. */
  private preface: PrefaceReader | undefined;
  /** The socket is gone. */
  private closed = false;
  /** We have ended it: nothing is read or written any more, but the socket is still there. */
  private ended = false;
  /** Why it ends: what is known first counts, but for a bug of ours. */
  private reason: string | undefined;
  private peerFault = false;
  private readonly owed = new OwedInput();
  private goawayTimer: NodeJS.Timeout | undefined;

  constructor(socket: Duplex, options: ConnectionOptions, listener: ConnectionListener) {
    this.socket = socket;
    this.options = options;
    this.listener = listener;
    this.lastReadAtMs = options.nowMs();
    const establishedBy = eventOfEstablishment(socket);
    if (establishedBy === undefined) this.readyAtMs = this.lastReadAtMs;
    const buffers = options.writeBuffers ?? new WriteBuffers();
    this.writer = new FrameWriter(socket, buffers, establishedBy !== undefined, () =>
      this.session.sendWaiting(),
    );
    const maxHeaderListBytes = options.maxHeaderListBytes ?? connectionLimits.headerListBytes;
    this.session = new Session(this.writer, {
      server: options.role === 'server',
      maxConcurrentStreams: options.maxConcurrentStreams ?? connectionLimits.concurrentStreams,
      receiveWindowBytes: options.receiveWindowBytes ?? connectionLimits.receiveWindowBytes,
      connectionWindowBytes: connectionLimits.connectionWindowBytes,
      maxHeaderListBytes,
      floodLimits: options.floodLimits ?? defaultFloodLimits,
      nowMs: options.nowMs,
      events: {
        onRequest: (stream, headers, endStream) => listener.onRequest(stream, headers, endStream),
        onOversizedRequest: (stream) => listener.onOversizedRequest(stream),
        onCapacity: () => this.onCapacity(),
        onFault: (error) => this.fail(error),
      },
    });
    const { messages, control } = this.session;
    this.rules = new FrameRules(messages, control, 2 * maxHeaderListBytes);
    this.reader = new FrameReader(this.rules);
    this.preface = options.role === 'server' ? new PrefaceReader() : undefined;
    if (this.preface !== undefined) this.owed.note('preface', this.lastReadAtMs);
    this.begin(maxHeaderListBytes);
    this.listen(establishedBy);
  }

  /** Streams that are open now. */
  get openStreams(): number {
    return this.session.streams.size;
  }

  /** Streams that could still be opened now (client). */
  get capacity(): number {
    return this.over ? 0 : this.session.capacity;
  }

  /** False once no new stream may be opened: ended, or told to go away by either side. */
  get accepting(): boolean {
    return !this.over && !this.session.goingAway;
  }

  /** Since when the peer owes us the rest of a frame, of a header block or of the preface. */
  get owedSinceMs(): number | undefined {
    return this.owed.sinceMs;
  }

  /** Resets streams of which nothing has left for `limitMs` although something waits. */
  endStalled(limitMs: number): void {
    if (!this.over) this.session.endStalled(limitMs);
  }

  /**
   * Opens a stream with a request (client). The caller has looked at `capacity`.
   * Bytes may be sent at once: they wait until the server has proven its name and chosen HTTP/2.
   * @throws Error when the connection takes no new streams
   */
  request(headers: HeaderList, endStream: boolean, listener: MessageListener): Http2Stream {
    if (!this.accepting) {
      throw new Error(`request on a connection that is over: ${this.reason ?? 'GOAWAY'}`);
    }
    return this.session.request(headers, endStream, listener);
  }

  /** Measures a round trip; `onAck` is called with it in milliseconds, or never. */
  ping(onAck: (roundTripMs: number) => void): void {
    if (!this.over) this.session.ping(onAck);
  }

  /**
   * Ends the connection once its streams have ended, and takes no new ones. A server says so in
   * two steps, so that requests under way are still accepted (RFC 9113, section 6.8).
   */
  shutdown(): void {
    if (this.over || this.session.goingAway) return;
    if (this.options.role === 'client') {
      this.session.finishGoaway();
      this.onCapacity();
      return;
    }
    this.session.beginGoaway(() => this.finishShutdown());
    this.goawayTimer = setTimeout(() => this.finishShutdown(), connectionLimits.goawayStepMs);
  }

  /** Ends the connection now; streams that are open are told `detail`. */
  close(detail: string): void {
    if (this.over) return;
    this.writer.goaway(this.session.lastProcessedId, ErrorCode.NO_ERROR, '');
    this.end(detail);
  }

  /** Drops the connection without a word: the peer does not answer any more. */
  destroy(detail: string): void {
    this.reason ??= detail;
    this.onLost(detail);
  }

  private get over(): boolean {
    return this.closed || this.ended;
  }

  private listen(establishedBy: string | undefined): void {
    const { socket } = this;
    if (establishedBy !== undefined) socket.once(establishedBy, () => this.onEstablished());
    socket.on('data', (input: Buffer) => this.onInput(input));
    socket.on('drain', () => this.session.sendWaiting());
    socket.on('error', (error: Error) => {
      this.reason ??= error.message;
    });
    socket.on('end', () => {
      // Once we have ended it, our last frames may still be on their way.
      if (!this.ended) this.onLost('connection ended by peer');
    });
    socket.on('close', () => this.onLost('connection closed'));
    // One that is gone already says so no more.
    if (socket.destroyed) setImmediate(() => this.onLost('connection closed'));
  }

  private onEstablished(): void {
    this.readyAtMs = this.options.nowMs();
    const alpn = 'alpnProtocol' in this.socket ? this.socket.alpnProtocol : 'h2';
    if (alpn === 'h2') this.writer.release();
    else this.destroy('the server does not speak HTTP/2 (ALPN h2)');
  }

  private begin(maxHeaderListBytes: number): void {
    const { role, receiveWindowBytes, maxConcurrentStreams } = this.options;
    const common = {
      initialWindowBytes: receiveWindowBytes ?? connectionLimits.receiveWindowBytes,
      maxHeaderListBytes,
    };
    const streams = maxConcurrentStreams ?? connectionLimits.concurrentStreams;
    const own = role === 'client' ? { enablePush: false } : { maxConcurrentStreams: streams };
    if (role === 'client') this.writer.preface();
    this.writer.settings(encodeSettings({ ...common, ...own }));
    this.writer.windowUpdate(0, connectionLimits.connectionWindowBytes - INITIAL_WINDOW_BYTES);
  }

  private onInput(input: Buffer): void {
    if (this.over) return;
    this.lastReadAtMs = this.options.nowMs();
    try {
      const at = this.preface?.read(input) ?? 0;
      if (this.preface?.done) this.preface = undefined;
      if (at < input.length) this.reader.push(at === 0 ? input : input.subarray(at));
      this.session.messages.deliver();
      if (this.writer.backlogBytes > connectionLimits.backlogBytes) {
        throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'peer asks and does not read');
      }
      const { preface, rules, reader, lastReadAtMs } = this;
      this.owed.note(preface ? 'preface' : (rules.openBlock ?? reader.openFrame), lastReadAtMs);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Ends the connection for what the peer did, or for a bug of ours: that one and no other. */
  private fail(error: unknown): void {
    const known = error instanceof ConnectionError;
    const detail = known ? error.message : stackOf(error);
    // A bug is what must be seen, whatever else is known.
    if (!known) {
      this.reason = detail;
      this.listener.onBug?.(error);
    }
    if (this.over) return;
    this.peerFault = known;
    const code = known ? error.code : ErrorCode.INTERNAL_ERROR;
    // The peer is told of its own faults only.
    this.writer.goaway(this.session.lastProcessedId, code, known ? detail.slice(0, 128) : '');
    // Streams may show their end to clients, who have no use for our stack.
    this.end(known ? detail : 'internal error');
  }

  private finishShutdown(): void {
    if (this.over) return;
    clearTimeout(this.goawayTimer);
    this.session.finishGoaway();
    this.onCapacity();
  }

  private onCapacity(): void {
    // Once it is over, `onClose` says all that there is to say.
    if (this.over) return;
    try {
      this.listener.onCapacity();
    } catch (error) {
      this.fail(error);
    }
    if (this.session.finished && !this.over) this.end('shut down');
  }

  /** Sends what is gathered, then FIN; a peer that does not go is dropped. */
  private end(detail: string): void {
    this.ended = true;
    this.reason ??= detail;
    clearTimeout(this.goawayTimer);
    this.reader.stop();
    this.writer.finish();
    this.socket.end();
    // Unread input would turn the close into a reset, which can destroy our last frames.
    this.socket.resume();
    const linger = setTimeout(() => this.socket.destroy(), connectionLimits.lingerMs);
    this.socket.once('close', () => clearTimeout(linger));
    this.session.abortAll(detail);
  }

  private onLost(detail: string): void {
    if (this.closed) return;
    this.closed = true;
    this.reason ??= detail;
    clearTimeout(this.goawayTimer);
    this.reader.stop();
    this.writer.close();
    this.socket.destroy();
    this.session.abortAll(this.reason);
    this.listener.onClose(this.reason, this.peerFault);
  }
}
