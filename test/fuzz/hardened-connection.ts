// A connection of the engine with an application that answers everything, watched for what must
// never happen whatever the peer sends.
import { Connection } from '../../proxy/http2/connection.ts';
import type { HeaderList } from '../../proxy/http2/header-list.ts';
import type {
  MessageListener,
  MessageStream,
  ResetReason,
} from '../../proxy/http2/message-stream.ts';
import { parseFrames, type RawFrame } from '../../tools/http2-frames.ts';
import { MemorySocket, turn } from './memory-socket.ts';

export type Role = 'server' | 'client';

const MAX_STREAMS = 20;
const RECEIVE_WINDOW_BYTES = 65_535;
const LARGEST_BODY_BYTES = 40_000;
const BODY = Buffer.alloc(LARGEST_BODY_BYTES, 'b');
const CLIENT_REQUESTS = 4;
const MAX_FRAME_BYTES = 16_384;
/** What we may write for so many bytes read: an ack costs 17, and each stream may get one body. */
const FREE_BYTES = 200;
const BYTES_PER_BYTE = 20;

const REQUEST: HeaderList = [
  ':method',
  'POST',
  ':scheme',
  'https',
  ':path',
  '/',
  ':authority',
  'a',
];
const ANSWER: HeaderList = [':status', '200', 'x-filler', 'y'.repeat(200)];

/** Each stream has a life; what is called after its end is a fault of the engine. */
class Life implements MessageListener {
  ended = false;
  resets = 0;
  unconsumedBytes = 0;
  private readonly consume: boolean;

  /** @param consume false keeps what arrives, so that the window closes */
  constructor(consume: boolean) {
    this.consume = consume;
  }

  onHeaders(_stream: MessageStream, _headers: HeaderList, endStream: boolean): void {
    this.alive('onHeaders');
    this.ended ||= endStream;
  }

  onData(stream: MessageStream, chunk: Buffer, endStream: boolean): void {
    this.alive('onData');
    this.ended ||= endStream;
    if (this.consume) stream.consumed(chunk.length);
    else this.unconsumedBytes += chunk.length;
    if (this.unconsumedBytes > RECEIVE_WINDOW_BYTES) {
      throw new Error(`${this.unconsumedBytes} bytes kept, over the window`);
    }
  }

  onSent(): void {}

  onReset(_stream: MessageStream, reason: ResetReason): void {
    if (this.resets++ > 0) throw new Error(`told twice of a reset: ${reason.detail}`);
  }

  private alive(call: string): void {
    if (this.resets > 0) throw new Error(`${call} after a reset`);
    if (this.ended) throw new Error(`${call} after the end`);
  }
}

/** What happened on one connection, in words that are the same for the same path through the code. */
export interface Outcome {
  readonly signature: string;
  /** Why it ended. */
  readonly detail: string;
}

/** Feeds `pieces` to a new connection, ends it, and throws when anything was wrong. */
export async function runConnection(role: Role, pieces: readonly Buffer[]): Promise<Outcome> {
  const socket = new MemorySocket();
  const lives: Life[] = [];
  const bugs: unknown[] = [];
  const details: string[] = [];
  const newLife = (): Life => {
    const life = new Life(lives.length % 3 !== 2);
    lives.push(life);
    return life;
  };
  const connection = new Connection(
    socket,
    {
      role,
      maxConcurrentStreams: MAX_STREAMS,
      receiveWindowBytes: RECEIVE_WINDOW_BYTES,
      maxHeaderListBytes: 4096,
      nowMs: () => 0,
    },
    {
      onRequest: (stream, _headers, endStream) => {
        const life = newLife();
        life.ended = endStream;
        stream.listener = life;
        answer(stream, lives.length);
      },
      onOversizedRequest: (stream) => stream.sendHeaders([':status', '431'], true),
      onCapacity: () => {},
      onBug: (error) => bugs.push(error),
      onClose: (detail) => details.push(detail),
    },
  );
  if (role === 'client') {
    for (let i = 0; i < CLIENT_REQUESTS; i++) connection.request(REQUEST, i % 2 === 0, newLife());
  }
  await turn();
  let bytesRead = 0;
  for (const piece of pieces) {
    socket.give(piece);
    bytesRead += piece.length;
    if (connection.openStreams > MAX_STREAMS) throw new Error(`${connection.openStreams} streams`);
    await turn();
  }
  connection.destroy('the end');
  socket.destroy();
  if (bugs.length > 0) throw bugs[0];
  if (details.length !== 1) throw new Error(`onClose was called ${details.length} times`);
  if (connection.openStreams !== 0) throw new Error(`${connection.openStreams} streams are left`);
  const frames = checkOutput(role, socket.output, bytesRead, lives.length);
  const detail = details[0] ?? '';
  return { signature: signatureOf(detail, frames), detail };
}

/** Every kind of answer, one stream after the other. */
function answer(stream: MessageStream, index: number): void {
  if (index % 7 === 6) {
    stream.reset(8);
    return;
  }
  if (index % 5 === 4) stream.sendHeaders([':status', '103'], false);
  stream.sendHeaders(ANSWER, false);
  stream.sendData(BODY.subarray(0, (index * 9973) % LARGEST_BODY_BYTES), index % 3 === 0);
  if (index % 3 === 1) stream.sendHeaders(['x-trailer', 'z'], true);
  if (index % 3 === 2) stream.stopReading();
}

/** We must speak the protocol ourselves, and not say more than was asked for. */
function checkOutput(role: Role, output: Buffer, bytesRead: number, lives: number): RawFrame[] {
  const { frames, rest } = parseFrames(role === 'client' ? output.subarray(24) : output);
  if (rest.length > 0) throw new Error(`half a frame was written: ${rest.toString('hex')}`);
  if (frames[0]?.type !== 4) throw new Error('the first frame is not SETTINGS');
  for (const { type, payload } of frames) {
    // The peer may have allowed more, and we make no use of it beyond what data there is.
    if (type > 9 || payload.length > Math.max(MAX_FRAME_BYTES, LARGEST_BODY_BYTES)) {
      throw new Error(`frame of type ${type} with ${payload.length} bytes`);
    }
  }
  const limit = FREE_BYTES + BYTES_PER_BYTE * bytesRead + (LARGEST_BODY_BYTES + 1000) * lives;
  if (output.length > limit) {
    throw new Error(`${output.length} bytes written for ${bytesRead} read`);
  }
  return frames;
}

function signatureOf(detail: string, frames: readonly RawFrame[]): string {
  const kinds = frames.map(({ type, flags, payload }) =>
    // The codes of resets say more than their number.
    type === 3 ? `3:${payload.toString('hex')}` : `${type}:${flags}`,
  );
  return `${detail.replace(/\d+/g, 'N')} ${[...new Set(kinds)].sort().join(' ')}`;
}
