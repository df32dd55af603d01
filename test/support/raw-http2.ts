// A peer that no library lets us be.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { vi } from 'vitest';
import {
  Frame,
  frame,
  PREFACE,
  parseFrames,
  type RawFrame,
  settings,
} from '../../tools/http2-frames.ts';

/** One TCP connection on which a test writes what it likes and reads frames. */
export class RawHttp2 {
  readonly socket: Socket;
  readonly frames: RawFrame[] = [];
  closed = false;
  private rest: Buffer = Buffer.alloc(0);

  /** @param skipBytes what is no frame: the preface, on the server's side */
  constructor(socket: Socket, skipBytes = 0) {
    this.socket = socket;
    let skip = skipBytes;
    socket.on('data', (chunk: Buffer) => {
      const { frames, rest } = parseFrames(Buffer.concat([this.rest, chunk.subarray(skip)]));
      skip = Math.max(0, skip - chunk.length);
      this.rest = rest;
      this.frames.push(...frames);
    });
    socket.on('error', () => {});
    socket.on('end', () => {
      this.closed = true;
    });
    socket.on('close', () => {
      this.closed = true;
    });
  }

  /** Connects, and unless `bare`, has sent the preface and empty SETTINGS. */
  static async connect(port: number, { bare = false } = {}): Promise<RawHttp2> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const raw = new RawHttp2(socket);
    if (!bare) raw.write(PREFACE, settings());
    return raw;
  }

  write(...parts: Buffer[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  of(type: number): RawFrame[] {
    return this.frames.filter((each) => each.type === type);
  }

  /** The first frame of `type` for which `test` holds, which may be still to come. */
  async next(type: number, test: (frame: RawFrame) => boolean = () => true): Promise<RawFrame> {
    const find = () => this.frames.find((each) => each.type === type && test(each));
    return await vi.waitUntil(find, { timeout: 5000, interval: 2 });
  }

  /** The error code with which the peer ends the connection. */
  async goawayCode(): Promise<number> {
    return (await this.next(Frame.GOAWAY)).payload.readUInt32BE(4);
  }

  async resetCode(streamId: number): Promise<number> {
    const reset = await this.next(Frame.RST_STREAM, (each) => each.streamId === streamId);
    return reset.payload.readUInt32BE(0);
  }

  /** All that was sent so far has been read and dealt with: a PING has been answered. */
  async settled(): Promise<void> {
    const before = this.of(Frame.PING).length;
    this.write(frame(Frame.PING, 0, 0, 'roundtri'));
    await vi.waitUntil(() => this.of(Frame.PING).length > before, { timeout: 5000, interval: 2 });
  }

  destroy(): void {
    this.socket.destroy();
  }
}
