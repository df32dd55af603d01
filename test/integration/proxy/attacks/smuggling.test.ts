// Messages that say one thing to one reader and another to the next. Whatever the door makes of
// them, an apiserver must not see a request that its client did not send as one.
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import {
  block,
  data,
  END_HEADERS,
  END_STREAM,
  Frame,
  frame,
  PREFACE,
  settings,
} from '../../../../tools/http2-frames.ts';
import { type DoorFixture, openTestDoor } from '../../../support/open-door.ts';
import { RawHttp2 } from '../../../support/raw-http2.ts';
import { answer } from '../../../support/scripted-apiserver.ts';

const LENGTH = { 'content-length': '2' };
const SMUGGLED = '/smuggled';
const INNER = `GET ${SMUGGLED} HTTP/1.1\r\nHost: door\r\n\r\n`;

let fixture: DoorFixture;
let socket: TLSSocket;

beforeAll(async () => {
  fixture = await openTestDoor(1);
  for (const apiserver of fixture.apiservers) {
    apiserver.behaviour = (stream) => {
      stream.resume();
      // A request that is reset has an end too.
      stream.once('end', () => stream.destroyed || answer(stream, 200, 'ok', LENGTH));
    };
  }
});
afterAll(() => fixture.close());
beforeEach(() => {
  for (const apiserver of fixture.apiservers) apiserver.seen.length = 0;
});
afterEach(() => {
  socket.destroy();
});

async function dial(protocol: 'h2' | 'http/1.1'): Promise<TLSSocket> {
  const { door, pki } = fixture;
  socket = connect({
    host: '127.0.0.1',
    port: door.port,
    ca: pki.clusterCa.cert,
    ALPNProtocols: [protocol],
  });
  socket.on('error', () => {});
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once('secureConnect', resolve);
  await promise;
  return socket;
}

function seenPaths(): (string | undefined)[] {
  return fixture.apiservers.flatMap(({ seen }) => seen.map(({ headers }) => headers[':path']));
}

/** All that comes back until the door ends the connection, or has answered and is silent. */
async function exchange1(text: string): Promise<string> {
  const client = await dial('http/1.1');
  let received = '';
  let ended = false;
  client.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
  });
  client.on('close', () => {
    ended = true;
  });
  client.on('end', () => {
    ended = true;
  });
  client.write(Buffer.from(text, 'latin1'));
  await vi.waitUntil(() => ended || /HTTP\/1\.1 200.*ok$/s.test(received), 5000);
  return received;
}

const POST = 'POST /api HTTP/1.1\r\nHost: door\r\n';

// What is refused; the connection ends with it, so nothing behind it is read as a request.
test.each<[string, string]>([
  [
    'CL.TE',
    `${POST}Content-Length: ${5 + INNER.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${INNER}`,
  ],
  [
    'TE.CL',
    `${POST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n${INNER}\r\n0\r\n\r\n`,
  ],
  ['two lengths', `${POST}Content-Length: 0\r\nContent-Length: ${INNER.length}\r\n\r\n${INNER}`],
  ['a length with a sign', `${POST}Content-Length: +${INNER.length}\r\n\r\n${INNER}`],
  ['a length in hex', `${POST}Content-Length: 0x10\r\n\r\n${INNER}`],
  ['a list of lengths', `${POST}Content-Length: 0, ${INNER.length}\r\n\r\n${INNER}`],
  [
    'TE with a space before the colon',
    `${POST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${INNER}`,
  ],
  ['TE by another name', `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${INNER}`],
  [
    'TE twice',
    `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${INNER}`,
  ],
  ['TE behind a vertical tab', `${POST}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n${INNER}`],
  [
    'TE with an obsolete fold',
    `${POST}Transfer-Encoding:\r\n chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n${INNER}`,
  ],
  [
    'TE in HTTP/1.0',
    `POST /api HTTP/1.0\r\nHost: door\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${INNER}`,
  ],
  ['a bare LF behind a field', `${POST}X: y\nContent-Length: ${INNER.length}\r\n\r\n${INNER}`],
  ['a bare CR in a field', `${POST}X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${INNER}`],
  ['a NUL in a field', `${POST}X: y\0z\r\n\r\n${INNER}`],
  ['a space before the first field', `POST /api HTTP/1.1\r\n Host: door\r\n\r\n${INNER}`],
  ['two hosts', `GET /api HTTP/1.1\r\nHost: door\r\nHost: other\r\n\r\n${INNER}`],
  [
    'a chunk size that overflows',
    `${POST}Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n${INNER}`,
  ],
  ['a chunk size with a sign', `${POST}Transfer-Encoding: chunked\r\n\r\n-1\r\n${INNER}`],
  [
    'a chunk that does not end where it says',
    `${POST}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n${INNER}`,
  ],
  [
    'a bare LF behind a chunk size',
    `${POST}Transfer-Encoding: chunked\r\n\r\n2\nab\r\n0\r\n\r\n${INNER}`,
  ],
  [
    'a chunk extension with a bare LF',
    `${POST}Transfer-Encoding: chunked\r\n\r\n2;\nab\r\n0\r\n\r\n${INNER}`,
  ],
])('over HTTP/1.1, %s lets no second request through', async (_what, text) => {
  const received = await exchange1(text);
  expect(seenPaths()).not.toContain(SMUGGLED);
  expect(received).not.toMatch(/HTTP\/1\.1 200/);
});

test('over HTTP/1.1, what stands behind a whole request is the next request', async () => {
  const client = await exchange1(`${POST}Content-Length: 4\r\n\r\nbody${INNER}`);
  expect(client).toMatch(/HTTP\/1\.1 200/);
  // Not smuggled: both sides agree on where the first one ends.
  await vi.waitUntil(() => seenPaths().length === 2, 5000);
  expect(seenPaths()).toEqual(['/api', SMUGGLED]);
});

const PSEUDO = [':method', 'POST', ':scheme', 'https', ':path', '/api', ':authority', 'door'];

function pseudo(name: string, value: string): string[] {
  return PSEUDO.with(PSEUDO.indexOf(name) + 1, value);
}

// Downgrade smuggling: what would be a request of its own in the HTTP/1.1 of somebody behind us.
test.each<[string, string[], string]>([
  ['two lengths', [...PSEUDO, 'content-length', '3', 'content-length', '4'], 'abc'],
  ['H2.TE', [...PSEUDO, 'transfer-encoding', 'chunked'], `0\r\n\r\n${INNER}`],
  ['CRLF in a value', [...PSEUDO, 'x', `y\r\ntransfer-encoding: chunked`], `0\r\n\r\n${INNER}`],
  ['CRLF in a name', [...PSEUDO, 'x: y\r\ntransfer-encoding', 'chunked'], ''],
  ['a colon in a name', [...PSEUDO, 'transfer-encoding: chunked', 'x'], ''],
  ['CRLF in :path', pseudo(':path', `/ HTTP/1.1\r\nHost: door\r\n\r\nGET ${SMUGGLED}`), ''],
  ['a space in :path', pseudo(':path', `${SMUGGLED} HTTP/1.1`), ''],
  ['CRLF in :method', pseudo(':method', `GET ${SMUGGLED} HTTP/1.1\r\n\r\nPOST`), ''],
  ['a space in :method', pseudo(':method', `GET ${SMUGGLED}`), ''],
  ['CRLF in :authority', pseudo(':authority', 'door\r\nx: y'), ''],
  ['a user in :authority', pseudo(':authority', 'door@other'), ''],
  ['CRLF in :scheme', pseudo(':scheme', 'https\r\nx: y'), ''],
  ['a Host that differs', [...PSEUDO, 'host', 'other'], ''],
  ['two Hosts', [...PSEUDO, 'host', 'door', 'host', 'door'], ''],
  ['connection', [...PSEUDO, 'connection', 'x-remote-user'], ''],
  ['a pseudo-header field behind others', [...PSEUDO, 'x', 'y', ':path', SMUGGLED], ''],
  ['two :path', [...PSEUDO, ':path', SMUGGLED], ''],
  ['an upper-case name', [...PSEUDO, 'Transfer-Encoding', 'chunked'], `0\r\n\r\n${INNER}`],
])('over HTTP/2, %s is refused, and no apiserver sees it', async (_what, list, body) => {
  await expectReset(list, body);
  expect(seenPaths()).toEqual([]);
});

// The head is on its way when the body turns out wrong: the apiserver sees a request that is reset.
test.each([0, 5000])(
  'over HTTP/2, a body that is not %i bytes long is no other request',
  async (length) => {
    await expectReset([...PSEUDO, 'content-length', String(length)], INNER);
    expect(
      fixture.apiservers.flatMap(({ seen }) => seen.filter(({ body }) => body === INNER)),
    ).toEqual([]);
    expect(seenPaths()).not.toContain(SMUGGLED);
  },
);

/** The stream ends with PROTOCOL_ERROR and without an answer, and its connection goes on. */
async function expectReset(list: string[], body: string): Promise<void> {
  const raw = new RawHttp2(await dial('h2'));
  raw.write(
    PREFACE,
    settings(),
    frame(Frame.HEADERS, END_HEADERS, 1, block(list)),
    data(1, body, END_STREAM),
  );
  expect(await raw.resetCode(1)).toBe(1);
  await raw.settled();
  expect(raw.of(Frame.HEADERS)).toEqual([]);
}
