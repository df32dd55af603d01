import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../../simulator/cluster.ts';
import { replicaOf, until } from './support.ts';

let simulator: Simulator;
const pod = '/api/v1/namespaces/default/pods/target';

beforeAll(async () => {
  simulator = await startSimulator({ replicas: 1 });
  simulator.create('pods', { metadata: { name: 'target' } });
});

afterAll(() => simulator.stop());

/** A raw TLS connection that collects what comes. */
class RawClient {
  readonly socket: TLSSocket;
  readonly closed: Promise<unknown>;
  received: Buffer = Buffer.alloc(0);

  constructor() {
    const { clusterCa, admin } = simulator.pki;
    this.socket = connect({
      port: replicaOf(simulator).port,
      host: '127.0.0.1',
      ca: clusterCa.cert,
      cert: admin.cert,
      key: admin.key,
      ALPNProtocols: ['http/1.1'],
    });
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    this.socket.on('error', () => this.socket.destroy());
  }

  request(line: string, headers: readonly string[]): void {
    const all = ['Host: 127.0.0.1', 'Connection: Upgrade', ...headers];
    this.socket.write(`${line} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n`);
  }

  /** Waits for text and takes everything up to its end. */
  async take(wanted: string | Buffer): Promise<string> {
    const bytes = Buffer.from(wanted);
    await until(() => this.received.includes(bytes));
    const end = this.received.indexOf(bytes) + bytes.length;
    const taken = this.received.subarray(0, end).toString();
    this.received = this.received.subarray(end);
    return taken;
  }
}

const WEBSOCKET = [
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

/** A client frame; masks are random in real life, one byte of them non-zero is enough here. */
function masked(opcode: number, payload: Buffer): Buffer {
  const mask = Buffer.from([0, 1, 2, 3]);
  const body = Buffer.from(payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0)));
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), mask, body]);
}

test('exec over WebSocket echoes stdin on stdout and ends with a success', async () => {
  const client = new RawClient();
  client.request(`GET ${pod}/exec?command=cat&stdin=true&stdout=true`, [
    ...WEBSOCKET,
    'Sec-WebSocket-Protocol: v5.channel.k8s.io, v4.channel.k8s.io',
  ]);
  const head = await client.take('\r\n\r\n');
  expect(head).toContain('HTTP/1.1 101 Switching Protocols');
  // The sample of RFC 6455, section 1.3.
  expect(head).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  expect(head).toContain('Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n');
  await until(() => replicaOf(simulator).stats().openUpgrades === 1);
  client.socket.write(masked(2, Buffer.from('\0hello')));
  await client.take(Buffer.from('\x82\x06\x01hello', 'latin1'));
  client.socket.write(masked(9, Buffer.from('ping')));
  await client.take(Buffer.from('\x8a\x04ping', 'latin1'));
  client.socket.write(masked(2, Buffer.from([255, 0])));
  await client.take('{"metadata":{},"status":"Success"}');
  await client.closed;
  await until(() => replicaOf(simulator).stats().openUpgrades === 0);
});

test('a command without stdin prints itself', async () => {
  const client = new RawClient();
  client.request(`GET ${pod}/exec?command=echo&command=hi&stdout=true`, [
    ...WEBSOCKET,
    'Sec-WebSocket-Protocol: v4.channel.k8s.io',
  ]);
  await client.take('\x01echo hi\n');
  await client.closed;
});

test('port-forward over WebSocket echoes whole messages', async () => {
  const client = new RawClient();
  client.request(`GET ${pod}/portforward?ports=80`, [
    ...WEBSOCKET,
    'Sec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io',
  ]);
  await client.take('\r\n\r\n');
  client.socket.write(masked(2, Buffer.from('any bytes')));
  await client.take(Buffer.from('\x82\x09any bytes', 'latin1'));
  client.socket.destroy();
});

test('SPDY/3.1 is answered with 101 and then every byte comes back, early ones too', async () => {
  const client = new RawClient();
  client.request(`POST ${pod}/attach?stdin=true`, [
    'Upgrade: SPDY/3.1',
    'X-Stream-Protocol-Version: v4.channel.k8s.io',
    'X-Stream-Protocol-Version: v3.channel.k8s.io',
    'Content-Length: 0',
  ]);
  client.socket.write('early');
  const head = await client.take('\r\n\r\n');
  expect(head).toContain('Upgrade: SPDY/3.1');
  expect(head).toContain('X-Stream-Protocol-Version: v4.channel.k8s.io\r\n');
  await client.take('early');
  client.socket.write(Buffer.alloc(100_000, 'x'));
  await until(() => client.received.length === 100_000);
  client.socket.end();
  await client.closed;
});

test.each([
  ['a pod that is not there', `GET ${pod}x/exec?command=a`, 404],
  ['an upgrade to something else', `GET ${pod}/exec?command=a`, 400],
  ['a path that has no upgrade', 'GET /api/v1/namespaces/default/pods', 400],
])('%s is refused with a Status and a closed connection', async (_name, line, code) => {
  const client = new RawClient();
  client.request(line, code === 404 ? WEBSOCKET : ['Upgrade: h2c']);
  const answer = await client.take(`"code":${code}}`);
  expect(answer).toContain(`HTTP/1.1 ${code} `);
  expect(answer.toLowerCase()).toContain('connection: close');
  await client.closed;
});
