// Our server and our client, held against Go's net/http and against golang.org/x/net/http2 on its
// own: what client-go and kube-apiserver speak.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { type HeaderList, headerValue } from '../../../../proxy/http2/header-list.ts';
import { binaryPath } from '../../../../tools/binaries.ts';
import { connectEngine, type EngineClient, openEngine } from './support/engine.ts';
import { serveExchanges } from './support/exchanges.ts';
import { Recorder, until } from './support/recorder.ts';

const run = promisify(execFile);
const binary = binaryPath('http2-peer');
const notRun = existsSync(binary) ? '' : ' (not run: no http2-peer)';
const peers: readonly { name: string; flags: readonly string[] }[] = [
  { name: 'net/http', flags: [] },
  { name: 'x/net/http2', flags: ['-x'] },
];
type Peer = (typeof peers)[number];
const LARGE_BYTES = 100 * 1024 * 1024;
const STREAMS = 1000;

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const testWithGo = test.skipIf(notRun !== '');

testWithGo.each(peers)(
  `$name’s client gets headers, trailers, 100 MiB, resets and 1,000 streams from our server${notRun}`,
  { timeout: 90_000 },
  async ({ flags }) => {
    const settings = { maxConcurrentStreams: STREAMS };
    const server = await openEngine({ settings, onRequest: serveExchanges });
    ends.push(() => server.close());
    const { stdout } = await run(binary, [...flags, 'ask', `127.0.0.1:${server.port}`]);
    expect(stdout.trim().split('\n')).toEqual([
      'headers',
      'small body and trailer',
      '100 MiB',
      'reset',
      '1000 streams',
      'cancel',
    ]);
    await until(() => server.connections.every(({ openStreams }) => openStreams === 0));
    expect(server.closed.filter(({ peerFault }) => peerFault)).toEqual([]);
  },
);

async function connectToGo({
  flags,
}: Peer): Promise<{ client: EngineClient; shutdown: () => void }> {
  const child = spawn(binary, [...flags, 'serve'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const client = await connectEngine(Number(line));
  ends.push(async () => {
    await client.close();
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'exit');
  });
  await until(() => client.connection.capacity === STREAMS);
  return { client, shutdown: () => child.stdin.end() };
}

function request(path: string, ...fields: string[]): HeaderList {
  const method = path === '/echo' ? 'POST' : 'GET';
  return [':method', method, ':scheme', 'http', ':authority', 'go', ':path', path, ...fields];
}

testWithGo.each(peers)(`$name’s server answers our client${notRun}`, async (peer) => {
  const { client } = await connectToGo(peer);
  const long = 'v'.repeat(20_000);
  const asked = new Recorder();
  client.connection.request(request('/headers', 'x-ask', long), true, asked);
  await until(() => asked.ended);
  expect(asked.status).toBe('204');
  expect(headerValue(asked.sections[0] ?? [], 'x-answer')).toBe(long);
  const reset = new Recorder();
  client.connection.request(request('/reset'), true, reset);
  await until(() => reset.resets.length === 1);
  expect(reset.body.toString()).toBe('partial');
  expect(reset.resets[0]).toMatchObject({ code: 2, unprocessed: false });
});

testWithGo.each(peers)(
  `100 MiB go through $name’s server and back to our client${notRun}`,
  { timeout: 90_000 },
  async (peer) => {
    const { client } = await connectToGo(peer);
    const echo = new Recorder();
    const piece = Buffer.alloc(64 * 1024, 'abcdefgh');
    let givenBytes = 0;
    echo.onData = (stream, chunk, end) => {
      echo.receivedBytes += chunk.length;
      echo.ended ||= end;
      stream.consumed(chunk.length);
    };
    const stream = client.connection.request(request('/echo'), false, echo);
    const give = (): void => {
      while (givenBytes < LARGE_BYTES && givenBytes - echo.sentBytes < 4 * piece.length) {
        givenBytes += piece.length;
        stream.sendData(piece, givenBytes === LARGE_BYTES);
      }
    };
    echo.onSent = (_stream, bytes) => {
      echo.sentBytes += bytes;
      setImmediate(give);
    };
    give();
    await until(() => echo.ended, 80_000);
    expect(echo.receivedBytes).toBe(LARGE_BYTES);
    expect(echo.sections.at(-1)).toEqual(['x-length', String(LARGE_BYTES)]);
  },
);

testWithGo.each(peers)(
  `a thousand streams at once, and the GOAWAY of $name in the middle of them${notRun}`,
  async (peer) => {
    const { client, shutdown } = await connectToGo(peer);
    const echoes = Array.from({ length: STREAMS }, () => new Recorder());
    const streams = echoes.map((echo) => client.connection.request(request('/echo'), false, echo));
    for (const stream of streams) stream.sendData(Buffer.from('first '), false);
    await until(() => echoes.every(({ status }) => status === '200'));
    expect(client.connection.capacity).toBe(0);
    shutdown();
    await until(() => !client.connection.accepting);
    for (const stream of streams) stream.sendData(Buffer.from('last'), true);
    await until(() => echoes.every(({ ended }) => ended));
    expect(echoes.every(({ body }) => body.toString() === 'first last')).toBe(true);
    await until(() => client.closed.length === 1);
    expect(client.closed[0]).toMatchObject({ peerFault: false });
  },
);
