import { ConnectionError, ErrorCode, errorName } from './errors.ts';
import type { FloodGuard } from './flood-guard.ts';
import { DEPENDS_ON_ITSELF, type HeaderBlock, type MessageTarget } from './frame-rules.ts';
import type { GoingAway } from './going-away.ts';
import type { HeaderList } from './header-list.ts';
import type { HpackDecoder } from './hpack-decoder.ts';
import { takeBody, takeRequest, takeResponse, takeTrailers } from './message-rules.ts';
import type { ReceiveWindow } from './receive-window.ts';
import type { Http2Stream } from './stream.ts';
import type { StreamTable } from './stream-table.ts';

/** The parts of a session that received messages act on. */
export interface ReceiverParts {
  readonly server: boolean;
  readonly maxConcurrentStreams: number;
  readonly streams: StreamTable;
  readonly decoder: HpackDecoder;
  readonly guard: FloodGuard;
  readonly goaway: GoingAway;
  readonly window: ReceiveWindow;
  /** Makes the stream of a request and adds it to the table. */
  open(streamId: number): Http2Stream;
  onRequest(stream: Http2Stream, headers: HeaderList, endStream: boolean): void;
  onOversizedRequest(stream: Http2Stream): void;
  /** The header section of a final response has arrived (client). */
  onAnswer(streamId: number): void;
}

/** Requests, responses, their bodies and their ends: what arrives on streams. */
export class MessageReceiver implements MessageTarget {
  private readonly parts: ReceiverParts;
  /** The stream of the DATA frame that is being read; undefined when its bytes are dropped. */
  private dataStream: Http2Stream | undefined;
  /** Requests of the input in hand, in order. */
  private arrived: Http2Stream[] = [];

  constructor(parts: ReceiverParts) {
    this.parts = parts;
  }

  /**
   * Hands on the requests that have arrived. Called when the input in hand has been read: one that
   * the same input resets again goes no further, so a rapid reset costs nobody behind us anything.
   */
  deliver(): void {
    if (this.arrived.length === 0) return;
    const streams = this.arrived;
    this.arrived = [];
    for (const stream of streams) {
      const headers = stream.request;
      stream.request = undefined;
      if (headers !== undefined && !stream.closed) {
        this.parts.onRequest(stream, headers, stream.remoteEnded);
      }
    }
  }

  onHeaderBlock(block: HeaderBlock, input: Buffer, start: number, end: number): void {
    const { server, streams, decoder } = this.parts;
    // Decoded whatever becomes of it: the next block builds on it (RFC 9113, section 4.3).
    const { headers, overLimit } = decoder.decode(input, start, end);
    const { streamId } = block;
    if (server && streamId % 2 === 1 && streamId > streams.lastPeerId) {
      this.onNewRequest(block, headers, overLimit);
      return;
    }
    this.deliver();
    const stream = this.find(streamId);
    if (stream === undefined) return;
    if (stream.remoteEnded) {
      this.fail(stream, ErrorCode.STREAM_CLOSED, 'HEADERS after the end of the stream');
    } else if (block.dependsOnItself) {
      this.fail(stream, ErrorCode.PROTOCOL_ERROR, DEPENDS_ON_ITSELF);
    } else if (overLimit) {
      this.fail(stream, ErrorCode.ENHANCE_YOUR_CALM, 'header list over the limit');
    } else {
      this.onLaterHeaders(stream, headers, block.endStream);
    }
  }

  onDataFrame(streamId: number, length: number): void {
    // Also for a stream that is over: the peer has counted it.
    this.parts.window.take(length);
    this.deliver();
    const stream = this.find(streamId);
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
    if (empty) this.parts.guard.idleFrame();
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
    if (endStream) {
      this.dataStream = undefined;
      stream.endRemote();
    }
    listener.onData(stream, bytes, endStream);
  }

  onResetStream(streamId: number, code: number): void {
    if (this.parts.server) this.parts.guard.reset();
    const stream = this.parts.streams.find(streamId);
    stream?.abort({
      code,
      unprocessed: code === ErrorCode.REFUSED_STREAM,
      detail: `RST_STREAM ${errorName(code)}`,
    });
  }

  onStreamError(streamId: number, code: number, detail: string): void {
    // For an idle stream there is nothing to reset: the peer is beyond repair.
    if (this.parts.streams.isIdle(streamId)) throw new ConnectionError(code, detail);
    const stream = this.parts.streams.find(streamId);
    if (stream === undefined) this.parts.guard.reset();
    else this.fail(stream, code, detail);
  }

  /** The open stream; undefined when what is sent on it is to be dropped. */
  private find(streamId: number): Http2Stream | undefined {
    const { streams, goaway } = this.parts;
    const stream = streams.find(streamId);
    if (stream !== undefined || streams.mayBeResetByUs(streamId)) return stream;
    // One that a GOAWAY has ended: its peer may have sent before it knew.
    if (streamId > goaway.lastStreamId) return undefined;
    throw new ConnectionError(ErrorCode.STREAM_CLOSED, `frame on closed stream ${streamId}`);
  }

  private onNewRequest(block: HeaderBlock, headers: HeaderList, overLimit: boolean): void {
    const { parts } = this;
    const { streamId, endStream } = block;
    parts.streams.lastPeerId = streamId;
    if (streamId > parts.goaway.lastStreamId) {
      // The peer knows from our GOAWAY, or will, that this stream is not processed.
      parts.guard.idleFrame();
      return;
    }
    const stream = parts.open(streamId);
    stream.headersReceived = true;
    if (parts.streams.size > parts.maxConcurrentStreams) {
      parts.guard.reset();
      stream.reset(ErrorCode.REFUSED_STREAM);
      return;
    }
    const problem = block.dependsOnItself
      ? DEPENDS_ON_ITSELF
      : overLimit
        ? undefined
        : takeRequest(stream, headers, endStream);
    if (problem !== undefined) {
      this.fail(stream, ErrorCode.PROTOCOL_ERROR, problem);
      return;
    }
    if (endStream) stream.endRemote();
    if (overLimit) {
      parts.guard.oversizedList();
      parts.onOversizedRequest(stream);
    } else {
      stream.request = headers;
      this.arrived.push(stream);
    }
  }

  /** A response, a 1xx response, or trailers of either message. */
  private onLaterHeaders(stream: Http2Stream, headers: HeaderList, endStream: boolean): void {
    const { headersReceived } = stream;
    const take = headersReceived ? takeTrailers : takeResponse;
    const problem = take(stream, headers, endStream);
    if (problem !== undefined) {
      this.fail(stream, ErrorCode.PROTOCOL_ERROR, problem);
      return;
    }
    // A final response may follow any number of 1xx ones, so they are counted.
    if (!stream.headersReceived) this.parts.guard.idleFrame();
    else if (!headersReceived) this.parts.onAnswer(stream.id);
    const { listener } = stream;
    if (endStream) stream.endRemote();
    listener.onHeaders(stream, headers, endStream);
  }

  /** A fault of the peer on one stream: counted, because each costs us an answer. */
  private fail(stream: Http2Stream, code: number, detail: string): void {
    this.parts.guard.reset();
    stream.refuse(code, detail);
  }
}
