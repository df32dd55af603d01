// Our server, held against clients that come as programs: curl and nghttp2's own.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Pki } from '../../../../tools/pki.ts';
import { type EngineServer, openEngine, type Received, temporaryPki } from './support/engine.ts';

const run = promisify(execFile);

let pki: Pki;
let removePki: () => Promise<void>;
let server: EngineServer;
let answer: (received: Received) => void;

beforeAll(async () => {
  ({ pki, remove: removePki } = await temporaryPki());
});
afterAll(() => removePki());
beforeEach(async () => {
  server = await openEngine({
    pki,
    settings: { maxConcurrentStreams: 1000 },
    onRequest: (received) => answer(received),
  });
});
afterEach(() => server.close());

function missing(command: string): string {
  return existsSync(`/usr/bin/${command}`) ? '' : ` (not run: no ${command})`;
}

/** Answers with the number of bytes that came, when the last one has. */
function count({ stream, message, endStream }: Received): void {
  const end = () => {
    stream.sendHeaders([':status', '200'], false);
    stream.sendData(Buffer.from(String(message.receivedBytes)), true);
  };
  if (endStream) {
    end();
    return;
  }
  message.onData = (_stream, chunk, last) => {
    message.receivedBytes += chunk.length;
    stream.consumed(chunk.length);
    if (last) end();
  };
}

const noCurl = missing('curl');
const CURL = ['--http2', '--silent', '--show-error', '--fail', '--insecure'];

test.skipIf(noCurl !== '')(`curl uploads and downloads 20 MiB${noCurl}`, async () => {
  const bytes = 20 * 1024 * 1024;
  answer = (received) => {
    if (received.headers[1] !== 'GET') count(received);
    else {
      received.stream.sendHeaders([':status', '200', 'content-length', String(bytes)], false);
      received.stream.sendData(Buffer.alloc(bytes, 'x'), true);
    }
  };
  const url = `https://127.0.0.1:${server.port}/`;
  const format = '%{http_version} %{size_download}';
  const down = await run('curl', [...CURL, '--output', '/dev/null', '--write-out', format, url]);
  expect(down.stdout).toBe(`2 ${bytes}`);
  const upload = `head -c ${bytes} /dev/zero | curl ${CURL.join(' ')} --data-binary @- ${url}`;
  expect((await run('sh', ['-c', upload])).stdout).toBe(String(bytes));
});

const noH2load = missing('h2load');
test.skipIf(noH2load !== '')(
  `h2load gets 10,000 answers with a thousand streams on each connection${noH2load}`,
  async () => {
    answer = ({ stream }) => {
      stream.sendHeaders([':status', '200', 'content-length', '2000'], false);
      stream.sendData(Buffer.alloc(2000), true);
    };
    const url = `https://127.0.0.1:${server.port}/`;
    const { stdout } = await run('h2load', ['-n', '10000', '-c', '2', '-m', '1000', url]);
    expect(stdout).toContain('10000 total, 10000 started, 10000 done, 10000 succeeded, 0 failed');
    expect(stdout).toMatch(/\(20000000\) data/);
  },
);

test.skipIf(noH2load !== '')(
  `h2load gets its answers through windows of 512 bytes${noH2load}`,
  async () => {
    answer = ({ stream }) => {
      stream.sendHeaders([':status', '200'], false);
      stream.sendData(Buffer.alloc(20_000), true);
    };
    const url = `https://127.0.0.1:${server.port}/`;
    const small = ['-w', '9', '-W', '10'];
    const { stdout } = await run('h2load', ['-n', '500', '-c', '2', '-m', '20', ...small, url]);
    expect(stdout).toContain('500 succeeded, 0 failed');
    expect(stdout).toMatch(/\(10000000\) data/);
  },
);

const noNghttp = missing('nghttp');
test.skipIf(noNghttp !== '')(
  `nghttp sends a header block over several CONTINUATION frames${noNghttp}`,
  async () => {
    const seen: number[] = [];
    answer = ({ stream, headers }) => {
      seen.push(headers.join('').length);
      stream.sendHeaders([':status', '200'], true);
    };
    const url = `https://127.0.0.1:${server.port}/`;
    const long = `x-long: ${'v'.repeat(20_000)}`;
    await run('nghttp', ['--continuation', '--null-out', '-H', long, url]);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toBeGreaterThan(20_000);
  },
);
