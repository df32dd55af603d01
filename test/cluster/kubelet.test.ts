// exec, attach, cp, port-forward and logs through the door and a real kube-apiserver to the real
// streaming server of a kubelet, over both protocols that kubectl speaks.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { Agent, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, vi } from 'vitest';
import { binaryPath } from '../../tools/binaries.ts';
import { type FakeKubelet, startFakeKubelet } from '../../tools/fake-kubelet.ts';
import { useCluster } from './support/cluster.ts';
import { kubectlWith, startKubectl, succeed } from './support/kubectl.ts';
import { socketCount, zombiesOf } from './support/process.ts';

let kubelet: FakeKubelet;
let kubeconfig: string;
let pod: string;
let work: string;
/** Of the door, while nothing is streamed. */
let idleSockets: number;

const { test, cluster } = useCluster({
  binaries: ['kubectl', 'fake-kubelet'],
  async prepare(at) {
    work = join(at.directory, 'log', 'work');
    await mkdir(work);
    kubeconfig = await at.kubeconfig(at.door.url, { certificate: at.pki.admin });
    kubelet = await startFakeKubelet(at, { url: at.door.url, directory: work });
    pod = kubelet.pods[0] ?? '';
  },
});

const PROTOCOLS = ['WebSocket', 'SPDY'] as const;
type Protocol = (typeof PROTOCOLS)[number];

const COPY_BYTES = 50 * 1024 * 1024;
const REQUESTS = 1000;
const CONCURRENCY = 10;
const GONE_LIMIT_MS = 15_000;
const NOTHING = { open: 0, processes: 0, dials: 0 };

/** Both protocols are on by default in favour of WebSocket; without it kubectl speaks SPDY. */
function environment(protocol: Protocol): string[] {
  const on = protocol === 'WebSocket';
  return ['REMOTE_COMMAND', 'PORT_FORWARD'].map((what) => `KUBECTL_${what}_WEBSOCKETS=${on}`);
}

function run(protocol: Protocol, args: readonly string[], stdin: string | Buffer = '') {
  return kubectlWith(kubeconfig)(args, { stdin, environment: environment(protocol) });
}

function start(protocol: Protocol, ...args: string[]) {
  return startKubectl(kubeconfig, args, environment(protocol));
}

/** Nothing at the kubelet, and no more sockets at the door than before. */
async function expectNothingLeft(): Promise<void> {
  const { door } = cluster();
  await vi.waitFor(
    async () => {
      expect(await kubelet.counters()).toMatchObject(NOTHING);
      expect(await socketCount(door.child.pid)).toBeLessThanOrEqual(idleSockets);
    },
    { timeout: GONE_LIMIT_MS, interval: 100 },
  );
  expect(await zombiesOf(kubelet.child.pid)).toBe(0);
  expect(await zombiesOf(door.child.pid)).toBe(0);
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

test('the door holds no socket of an exec that is over', async () => {
  const { door } = cluster();
  // Opens the connections that stay, one after the other.
  for (let i = 0; i < 6; i++) {
    await succeed(run('WebSocket', ['exec', pod, '--', 'true']));
    await succeed(run('WebSocket', ['logs', pod]));
  }
  idleSockets = await socketCount(door.child.pid);
  for (let i = 0; i < 6; i++) await succeed(run('SPDY', ['exec', pod, '--', 'true']));
  await expectNothingLeft();
});

for (const protocol of PROTOCOLS) {
  test(`exec hands on input, output, errors and the exit code over ${protocol}`, async () => {
    const script = 'cat; echo problem >&2; exit 7';
    const result = await run(protocol, ['exec', '-i', pod, '--', 'sh', '-c', script], 'hello\n');
    expect(result).toMatchObject({ code: 7, stdout: 'hello\n' });
    expect(result.stderr).toContain('problem\n');
    await expectNothingLeft();
  });

  test(`exec -it works from a terminal over ${protocol}`, async () => {
    const command = [binaryPath('kubectl'), `--kubeconfig=${kubeconfig}`, 'exec', '-it', pod, '--'];
    // kubectl asks for a terminal only where it has one itself.
    const pty = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';
    const terminal = ['python3', '-c', pty, ...command, 'sh'];
    const { resizes } = await kubelet.counters();
    const child = spawn('env', [...environment(protocol), ...terminal]);
    const output = text(child.stdout);
    child.stdin.write('echo the-$((40 + 2))\nexit 3\n');
    const [code] = await once(child, 'exit');
    expect(code).toBe(3);
    expect(await output).toContain('the-42');
    // The fake kubelet has no terminal to give, but is told the size of the client's.
    expect((await kubelet.counters()).resizes).toBeGreaterThan(resizes);
    await expectNothingLeft();
  });

  test(`attach reads and writes over ${protocol}`, async () => {
    const result = await run(protocol, ['attach', '-i', pod], 'hello\n');
    expect(result.stdout).toBe(`attached to ${pod}/main\nhello\n`);
    await expectNothingLeft();
  });

  test(`cp carries 50 MiB there and back over ${protocol}`, async () => {
    const [from, there, back] = ['from', 'there', 'back'].map((n) => join(work, n + protocol));
    if (from === undefined || there === undefined || back === undefined) throw new Error('paths');
    const content = randomBytes(COPY_BYTES);
    await writeFile(from, content);
    await succeed(run(protocol, ['cp', from, `${pod}:${there}`]));
    expect(sha256(await readFile(there))).toBe(sha256(content));
    await succeed(run(protocol, ['cp', `${pod}:${there}`, back]));
    expect(sha256(await readFile(back))).toBe(sha256(content));
    await expectNothingLeft();
  });

  test(`port-forward carries a thousand requests over ${protocol}`, async () => {
    const server = createServer((request, response) => response.end(`answer to ${request.url}`));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const child = start(protocol, 'port-forward', pod, `0:${port}`);
    const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
    child.stdout.resume();
    child.stderr.resume();
    const local = Number(/127\.0\.0\.1:(\d+)/.exec(line)?.[1]);
    // A connection for each, as many clients have.
    const agent = new Agent({ keepAlive: false });
    let next = 0;
    const ask = async (): Promise<void> => {
      while (next < REQUESTS) {
        const url = `http://127.0.0.1:${local}/${next++}`;
        const [response] = await once(get(url, { agent }), 'response');
        expect(await text(response)).toBe(`answer to ${new URL(url).pathname}`);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, ask));
    child.kill('SIGKILL');
    await once(child, 'exit');
    await once(server.close(), 'close');
    await expectNothingLeft();
  });

  test(`a killed client leaves nothing behind over ${protocol}`, async () => {
    const children = Array.from({ length: 5 }, () =>
      start(protocol, 'exec', pod, '--', 'sleep', '1000'),
    );
    const running = async () => expect((await kubelet.counters()).processes).toBe(children.length);
    await vi.waitFor(running, GONE_LIMIT_MS);
    for (const child of children) child.kill('SIGKILL');
    await expectNothingLeft();
  });

  test(`a killed kubelet leaves nothing behind over ${protocol}`, async () => {
    const { door } = cluster();
    const nodeName = `doomed-${protocol.toLowerCase()}`;
    const doomed = await startFakeKubelet(cluster(), { url: door.url, directory: work, nodeName });
    const { kubeconfig: write, direct, pki } = cluster();
    const paths = [
      await write(direct.url, { certificate: pki.admin }),
      ...Array(5).fill(kubeconfig),
    ];
    const exec = ['exec', doomed.pods[0] ?? '', '--', 'sleep', '1000'];
    const children = paths.map((path) => startKubectl(path, exec, environment(protocol)));
    const running = async () => expect((await doomed.counters()).processes).toBe(children.length);
    await vi.waitFor(running, GONE_LIMIT_MS);
    const ends = children.map((child) => Promise.all([text(child.stderr), once(child, 'exit')]));
    await doomed.child.kill();
    const [expected, ...proxied] = await Promise.all(ends);
    for (const end of proxied) expect(end).toEqual(expected);
    await expectNothingLeft();
  });
}

test('logs are followed until the client goes', async () => {
  const child = start('WebSocket', 'logs', '--tail=1', '-f', pod);
  let lines = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    lines += chunk;
  });
  await vi.waitFor(() => expect(lines.match(/line \d+\n/g)?.length).toBeGreaterThan(4), 10_000);
  const numbers = [...lines.matchAll(/line (\d+)\n/g)].map(([, number]) => Number(number));
  expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] ?? 0) + i));
  child.kill('SIGKILL');
  await expectNothingLeft();
});
