// Clients that send bytes as they are told to. Node's own would refuse, or lower the case of, what
// somebody sends who means harm.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import type { Target } from './exchange.ts';
import type { Field } from './spoof-headers.ts';

/** What came back, or `refused` when the door would not have the request at all. */
export type RawAnswer = { readonly body: string } | { readonly refused: string };

export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly fields: readonly Field[];
  readonly body?: string;
  readonly trailers?: readonly Field[];
}

const LIMIT_MS = 10_000;

/** Opens a TLS connection with one protocol. */
export async function openSocket(target: Target, protocol: string): Promise<TLSSocket> {
  const { url, ca, identity } = target;
  const { hostname, port } = new URL(url);
  const { certificate } = identity;
  const socket = connect({
    host: hostname,
    port: Number(port),
    ca,
    ALPNProtocols: [protocol],
    ...(certificate === undefined
      ? {}
      : { cert: readFileSync(certificate.certPath), key: readFileSync(certificate.keyPath) }),
  });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

function authorization({ identity: { token } }: Target): readonly Field[] {
  return token === undefined ? [] : [['authorization', `Bearer ${token}`]];
}

/** One request over HTTP/1.1; the connection ends with its answer. */
export async function rawHttp1(target: Target, request: RawRequest): Promise<RawAnswer> {
  const { method, path, body, trailers } = request;
  const framing: Field[] =
    trailers !== undefined
      ? [['Transfer-Encoding', 'chunked']]
      : [['Content-Length', String(Buffer.byteLength(body ?? ''))]];
  const fields = [
    ['Host', 'kubernetes'] as const,
    ...authorization(target),
    ...(body === undefined && trailers === undefined ? [] : framing),
    ...request.fields,
  ];
  const section = (list: readonly Field[]): string =>
    `${list.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  const content =
    trailers === undefined
      ? (body ?? '')
      : `${(body ?? '').length.toString(16)}\r\n${body}\r\n0\r\n${section(trailers)}`;
  const socket = await openSocket(target, 'http/1.1');
  try {
    socket.write(`${method} ${path} HTTP/1.1\r\n${section(fields)}${content}`, 'latin1');
    return await readHttp1(socket);
  } finally {
    socket.destroy();
  }
}

async function readHttp1(socket: TLSSocket): Promise<RawAnswer> {
  let text = '';
  for await (const chunk of timed(socket)) {
    text += chunk.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) continue;
    const head = text.slice(0, end).toLowerCase();
    const body = text.slice(end + 4);
    if (head.startsWith('http/1.1 400')) return { refused: '400' };
    const length = /content-length: (\d+)/.exec(head)?.[1];
    if (length !== undefined && body.length >= Number(length)) return { body };
    if (head.includes('chunked') && body.endsWith('0\r\n\r\n')) return { body: unchunk(body) };
    if (head.startsWith('http/1.1 101')) return { body: 'switched' };
  }
  return text === '' ? { refused: 'closed' } : { body: text };
}

/** The chunks of a socket until it closes, or has been silent for too long. */
function timed(socket: TLSSocket): AsyncIterable<Buffer> {
  socket.setTimeout(LIMIT_MS, () => socket.destroy(new Error('no answer')));
  return socket;
}

function unchunk(body: string): string {
  let plain = '';
  let rest = body;
  for (;;) {
    const end = rest.indexOf('\r\n');
    const length = Number.parseInt(rest.slice(0, end), 16);
    if (!(length > 0)) return plain;
    plain += rest.slice(end + 2, end + 2 + length);
    rest = rest.slice(end + 4 + length);
  }
}

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const TYPE = { data: 0x0, headers: 0x1, reset: 0x3, settings: 0x4, goaway: 0x7 };
const END_STREAM = 0x1;
const END_HEADERS = 0x4;

function frame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** Literal fields without indexing and without Huffman coding (RFC 7541, section 6.2.2). */
function headerBlock(fields: readonly Field[]): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, 'latin1');
    const { length } = bytes;
    // An integer with a prefix of seven bits (RFC 7541, section 5.1); two bytes more are enough.
    const prefix =
      length < 127 ? [length] : [127, ((length - 127) & 0x7f) | 0x80, (length - 127) >> 7];
    return Buffer.concat([Buffer.from(prefix), bytes]);
  };
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]),
  );
}

/** One request over HTTP/2. */
export async function rawHttp2(target: Target, request: RawRequest): Promise<RawAnswer> {
  const { method, path, body, trailers } = request;
  const block = headerBlock([
    [':method', method],
    [':scheme', 'https'],
    [':authority', 'kubernetes'],
    [':path', path],
    ...authorization(target),
    ...request.fields,
  ]);
  const sent = [
    Buffer.from(PREFACE),
    frame(TYPE.settings, 0, 0, Buffer.alloc(0)),
    frame(TYPE.headers, END_HEADERS | (body === undefined ? END_STREAM : 0), 1, block),
  ];
  if (body !== undefined) {
    sent.push(frame(TYPE.data, trailers === undefined ? END_STREAM : 0, 1, Buffer.from(body)));
  }
  if (trailers !== undefined) {
    sent.push(frame(TYPE.headers, END_HEADERS | END_STREAM, 1, headerBlock(trailers)));
  }
  const socket = await openSocket(target, 'h2');
  try {
    socket.write(Buffer.concat(sent));
    return await readHttp2(socket);
  } finally {
    socket.destroy();
  }
}

async function readHttp2(socket: TLSSocket): Promise<RawAnswer> {
  let body = '';
  for await (const { type, flags, payload } of frames(timed(socket))) {
    if (type === TYPE.reset) return { refused: `RST_STREAM ${payload.readUInt32BE(0)}` };
    // With NO_ERROR it only says that no further stream may be opened (RFC 9113, section 6.8).
    const goaway = type === TYPE.goaway ? payload.readUInt32BE(4) : 0;
    if (goaway !== 0) return { refused: `GOAWAY ${goaway}` };
    if (type === TYPE.data) body += payload.toString();
    const ends = type === TYPE.data || type === TYPE.headers;
    if (ends && (flags & END_STREAM) !== 0) return { body };
  }
  return { refused: 'closed' };
}

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly payload: Buffer;
}

async function* frames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const length = rest.readUIntBE(0, 3);
      const payload = rest.subarray(9, 9 + length);
      yield { type: rest.readUInt8(3), flags: rest.readUInt8(4), payload };
      rest = rest.subarray(9 + length);
    }
  }
}
