import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { createLog } from '../../../../common/log.ts';
import { AdminServer } from '../../../../proxy/observe/admin-server.ts';
import { Metrics } from '../../../../proxy/observe/metrics.ts';
import { EndpointChanges } from '../../../../proxy/observe/sources.ts';
import { Exposition } from '../../../proxy/observe/support/exposition.ts';
import { endpointOf, recordOf, sourcesOf } from '../../../proxy/observe/support/records.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

const started: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of started.splice(0)) await one.close();
});

async function start(options: { metrics?: Pick<Metrics, 'contentType' | 'text'> } = {}) {
  const endpoints = [endpointOf('cp-1'), endpointOf('cp-2', { ready: false })];
  const sources = sourcesOf(endpoints);
  const changes = new EndpointChanges();
  const metrics = new Metrics({ version: '1.2.3', sources });
  const lines: string[] = [];
  const log = createLog({ stream: { write: (line: string): unknown => lines.push(line) } });
  const server = new AdminServer({
    address: '127.0.0.1',
    port: 0,
    metrics: options.metrics ?? metrics,
    sources,
    changes,
    log,
  });
  const port = await server.listen();
  started.push(server);
  return { server, port, sources, changes, metrics, lines };
}

interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly agent?: Agent;
}

async function ask(port: number, path: string, options: Ask = {}): Promise<Answer> {
  const request = httpRequest({ host: '127.0.0.1', port, path, agent: false, ...options });
  request.end();
  const [response] = await once(request, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return { status: response.statusCode, headers: response.headers, body, text: body.toString() };
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function readToEnd(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  if (!socket.closed) await once(socket, 'close');
  return text;
}

test('livez says ok as long as the process answers, also while it drains', async () => {
  const { port, sources } = await start();
  sources.draining = true;
  sources.endpoints = [];
  expect(await ask(port, '/livez')).toMatchObject({ status: 200, text: 'ok' });
  const verbose = await ask(port, '/livez?verbose');
  expect(verbose.text).toBe('[+]ping ok\nlivez check passed\n');
});

test('readyz says ok while one endpoint is available', async () => {
  const { port } = await start();
  expect(await ask(port, '/readyz')).toMatchObject({ status: 200, text: 'ok' });
});

test('readyz fails while the door drains, and says so in one line', async () => {
  const { port, sources } = await start();
  sources.draining = true;
  const answer = await ask(port, '/readyz');
  expect(answer).toMatchObject({ status: 503, text: 'not ready: the front door drains\n' });
  expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
});

test('readyz fails while no endpoint is available, and comes back', async () => {
  const { port, sources } = await start();
  const before = sources.endpoints;
  sources.endpoints = [
    endpointOf('cp-1', { ready: false }),
    endpointOf('cp-2', { ready: true, ejected: true }),
  ];
  const reason = 'none of 2 kube-apiservers is ready';
  expect(await ask(port, '/readyz')).toMatchObject({ status: 503, text: `not ready: ${reason}\n` });
  expect(await ask(port, '/readyz?verbose')).toMatchObject({
    status: 503,
    text: `[+]running ok\n[-]endpoints failed: ${reason}\nreadyz check failed\n`,
  });
  sources.endpoints = before;
  expect((await ask(port, '/readyz?verbose=')).text).toBe(
    '[+]running ok\n[+]endpoints ok\nreadyz check passed\n',
  );
});

test('metrics are a text that Prometheus can read, plain or in gzip', async () => {
  const { port, metrics } = await start();
  const record = recordOf('GET /api/v1/pods');
  metrics.entered(record);
  metrics.left(record, 1005);
  const plain = await ask(port, '/metrics');
  expect(plain.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(plain.headers['content-encoding']).toBeUndefined();
  const exposition = new Exposition(plain.text);
  expect(exposition.sum('evenkeel_requests_total', { resource: 'pods', code: '200' })).toBe(1);

  const packed = await ask(port, '/metrics', { headers: { 'accept-encoding': 'deflate, GZIP' } });
  expect(packed.headers['content-encoding']).toBe('gzip');
  expect(packed.headers['content-length']).toBe(String(packed.body.length));
  expect(packed.body.length).toBeLessThan(plain.body.length / 2);
  const unpacked = new Exposition(gunzipSync(packed.body).toString());
  expect(unpacked.sum('evenkeel_requests_total')).toBe(1);

  const refused = await ask(port, '/metrics', { headers: { 'accept-encoding': 'gzip;q=0.0, *' } });
  expect(refused.headers['content-encoding']).toBeUndefined();
});

test('a short page is not compressed', async () => {
  const { port } = await start();
  const answer = await ask(port, '/livez', { headers: { 'accept-encoding': 'gzip' } });
  expect(answer.headers['content-encoding']).toBeUndefined();
});

test('debug/endpoints shows each endpoint with its load, connections and last change', async () => {
  const { port, sources, changes } = await start();
  sources.endpoints = [
    endpointOf('cp-1', {
      availableForMs: 1500.4,
      load: { requests: 3, longRunning: 12 },
      connectionCounts: () => [['certificate watch', 2]],
    }),
    endpointOf('cp-2', { ready: false }),
  ];
  const at = new Date('2025-11-25T08:00:00.000Z');
  changes.changed({ name: 'cp-2' }, 'ready');
  changes.changed({ name: 'cp-2' }, 'not ready: connection refused', at);
  const answer = await ask(port, '/debug/endpoints');
  expect(answer.headers['content-type']).toBe('application/json');
  expect(JSON.parse(answer.text)).toEqual({
    draining: false,
    endpoints: [
      {
        name: 'cp-1',
        url: 'https://cp-1:6443',
        state: 'ready',
        ready: true,
        ejected: false,
        availableForMs: 1500,
        requests: 3,
        watches: 12,
        connections: [{ identity: 'certificate', purpose: 'watch', connections: 2 }],
        lastChange: null,
      },
      {
        name: 'cp-2',
        url: 'https://cp-2:6443',
        state: 'not_ready',
        ready: false,
        ejected: false,
        availableForMs: null,
        requests: 0,
        watches: 0,
        connections: [],
        lastChange: { what: 'not ready: connection refused', at: at.toISOString() },
      },
    ],
  });
});

test('HEAD has the header of GET and no body', async () => {
  const { port } = await start();
  const answer = await ask(port, '/livez', { method: 'HEAD' });
  expect(answer).toMatchObject({ status: 200, text: '' });
  expect(answer.headers['content-length']).toBe('2');
});

test('another path is 404 and names those that there are', async () => {
  const { port } = await start();
  for (const path of ['/', '/metrics/', '/healthz', '//livez', '/debug/../livez', '/__proto__']) {
    const answer = await ask(port, path);
    expect([path, answer.status]).toEqual([path, 404]);
    expect(answer.text).toBe(
      'not found; there are /livez, /readyz, /metrics, /debug/endpoints, /debug/top\n',
    );
  }
});

test('another method is 405, with the connection closed before a body is read', async () => {
  const { port } = await start();
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const answer = await ask(port, '/metrics', { method });
    expect([method, answer.status]).toEqual([method, 405]);
    expect(answer.headers).toMatchObject({ allow: 'GET, HEAD', connection: 'close' });
    expect(answer.text).toBe('only GET and HEAD are allowed\n');
  }
  const socket = await open(port);
  socket.write('POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nx');
  expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 405 /);
});

test('what is not HTTP, or too large for a probe, is refused and nothing else is harmed', async () => {
  const { port } = await start();
  const junk = await open(port);
  junk.write('\x16\x03\x01\x02\x00\x01 not http\r\n\r\n');
  expect(await readToEnd(junk)).toMatch(/^HTTP\/1\.1 400 /);
  const large = await open(port);
  large.write(`GET /livez HTTP/1.1\r\nHost: a\r\nX-Large: ${'x'.repeat(9000)}\r\n\r\n`);
  expect(await readToEnd(large)).toMatch(/^HTTP\/1\.1 431 /);
  expect((await ask(port, '/livez')).status).toBe(200);
});

test('a page that fails is 500 and a log line, and the next one works', async () => {
  const metrics = {
    contentType: 'text/plain; version=0.0.4; charset=utf-8' as const,
    text: () => Promise.reject(new Error('broken gauge')),
  };
  const { port, lines } = await start({ metrics });
  const answer = await ask(port, '/metrics');
  expect(answer).toMatchObject({ status: 500, text: 'internal error, see the log\n' });
  expect(lines.join('')).toContain('broken gauge');
  expect((await ask(port, '/livez')).status).toBe(200);
});

test('connections that stand idle do not keep a probe out', async () => {
  const { port } = await start();
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 100, maxSockets: 100 });
  const idle = Array.from({ length: 64 }, () => ask(port, '/livez', { agent }));
  expect((await Promise.all(idle)).every(({ status }) => status === 200)).toBe(true);
  const statuses: number[] = [];
  // The first one may be turned away; that makes room for the next.
  for (let tries = 0; tries < 10 && statuses.length === 0; tries += 1) {
    await ask(port, '/livez').then(
      ({ status }) => statuses.push(status),
      () => {},
    );
  }
  expect(statuses).toEqual([200]);
  agent.destroy();
});

test('close ends kept-alive and silent connections, and nobody is answered any more', async () => {
  const { server, port } = await start();
  const agent = new Agent({ keepAlive: true });
  expect((await ask(port, '/livez', { agent })).status).toBe(200);
  const silent = await open(port);
  await Promise.all([server.close(), readToEnd(silent)]);
  await expect(ask(port, '/livez')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  agent.destroy();
});

test('an answer that is under way when the server closes is still given', async () => {
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
  const { promise: text, resolve: answer } = Promise.withResolvers<string>();
  const metrics = {
    contentType: 'text/plain; version=0.0.4; charset=utf-8' as const,
    text() {
      onAsked();
      return text;
    },
  };
  const { server, port } = await start({ metrics });
  const pending = ask(port, '/metrics', { agent: new Agent({ keepAlive: true }) });
  await asked;
  const closed = server.close();
  answer('a 1\n');
  expect(await pending).toMatchObject({ status: 200, text: 'a 1\n' });
  await closed;
});

test('an address that is taken is an error of listen that names it', async () => {
  const { port, sources, changes, metrics } = await start();
  const log = createLog({ level: 'silent' });
  const second = new AdminServer({ address: '127.0.0.1', port, metrics, sources, changes, log });
  await expect(second.listen()).rejects.toMatchObject({ code: 'EADDRINUSE', syscall: 'listen' });
});
