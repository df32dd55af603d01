// The attacker, in a thread of its own: what it costs must not be taken for what its victim suffers.
import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { parentPort, workerData } from 'node:worker_threads';
import { Frame, PREFACE, parseFrames, settings } from '../../tools/http2-frames.ts';
import type { Attack } from './attack.ts';
import { ATTACKS } from './attacks.ts';

/** What the thread is started with. */
export interface AttackerData {
  readonly attack: string;
  readonly port: number;
  readonly ca: string;
  readonly token: string;
}

/** What the thread is asked while it attacks; it answers both with its report. */
export type AttackerCall = 'report' | 'stop';

/** What it has seen so far. */
export interface AttackerReport {
  /** Connections that were made. */
  readonly connections: number;
  /** Those that the victim ended. */
  readonly ended: number;
  readonly goawayCodes: readonly number[];
  readonly streamsReset: number;
  readonly answers: number;
}

/** So that the attack is the frames, and not the handshakes. */
const RECONNECT_MS = 100;

class Attacker {
  readonly #data: AttackerData;
  readonly #attack: Attack;
  readonly #sockets = new Set<Socket>();
  readonly #goawayCodes = new Set<number>();
  #stopped = false;
  #connections = 0;
  #ended = 0;
  #streamsReset = 0;
  #answers = 0;

  constructor(data: AttackerData, attack: Attack) {
    this.#data = data;
    this.#attack = attack;
  }

  start(): void {
    for (let i = 0; i < this.#attack.connections; i++) void this.#keepAttacking();
  }

  stop(): void {
    this.#stopped = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  report(): AttackerReport {
    return {
      connections: this.#connections,
      ended: this.#ended,
      goawayCodes: [...this.#goawayCodes],
      streamsReset: this.#streamsReset,
      answers: this.#answers,
    };
  }

  /** Never rejects: whatever happens to a connection, the next one follows. */
  async #keepAttacking(): Promise<void> {
    while (!this.#stopped) {
      await this.#attackOnce();
      if (!this.#stopped) this.#ended += 1;
      await delay(RECONNECT_MS);
    }
  }

  async #attackOnce(): Promise<void> {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const socket = this.#open();
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      resolve();
    });
    socket.on('end', () => socket.destroy());
    this.#listen(socket);
    this.#connections += 1;
    if (this.#attack.over === 'h2') socket.write(Buffer.concat([PREFACE, settings()]));
    const { pauseMs } = this.#attack;
    for (const piece of this.#attack.input(this.#data.token)) {
      if (socket.destroyed) break;
      if (piece.length > 0 && !socket.write(piece)) await drained(socket);
      if (pauseMs !== undefined) await delay(pauseMs);
    }
    await closed;
  }

  #open(): Socket {
    const { port, ca } = this.#data;
    const address = { host: '127.0.0.1', port };
    return this.#attack.over === 'tcp'
      ? connectTcp(address)
      : connectTls({ ...address, ca, ALPNProtocols: ['h2'] });
  }

  #listen(socket: Socket): void {
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      const parsed = parseFrames(Buffer.concat([rest, chunk]));
      rest = parsed.rest;
      for (const { type, payload } of parsed.frames) {
        if (type === Frame.GOAWAY) this.#goawayCodes.add(payload.readUInt32BE(4));
        if (type === Frame.RST_STREAM) this.#streamsReset += 1;
        if (type === Frame.HEADERS) this.#answers += 1;
      }
    });
  }
}

/** Or the end of the socket. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
}

const data = workerData as AttackerData;
const attack = ATTACKS.find(({ name }) => name === data.attack);
if (attack === undefined) throw new Error(`no attack "${data.attack}"`);
const attacker = new Attacker(data, attack);
attacker.start();
parentPort?.on('message', (asked: AttackerCall) => {
  if (asked === 'stop') attacker.stop();
  parentPort?.postMessage(attacker.report());
});
