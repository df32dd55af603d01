// The swarm as it is run, against replicas that behave and through a relay that does not.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createSecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MetricLine, ResultLine } from '../../../loadtests/result.ts';
import { findResource } from '../../../loadtests/swarm/resource.ts';
import { Swarm, type SwarmPlan } from '../../../loadtests/swarm/swarm.ts';
import { type Simulator, startSimulator } from '../../../simulator/cluster.ts';
import { ROOT_DIRECTORY } from '../../../tools/binaries.ts';
import { replicaOf } from '../simulator/support.ts';

let simulator: Simulator;

beforeAll(async () => {
  simulator = await startSimulator({ replicas: 1, bookmarkIntervalMs: 200 });
});

afterAll(() => simulator.stop());

type Options = Partial<SwarmPlan> & { readonly url?: string };

/** Runs it until it is stopped by `during`, or by its duration. */
async function swarm(options: Options = {}, during?: (stop: () => void) => Promise<void>) {
  const resource = findResource('configmaps');
  if (resource === undefined) throw new Error('no configmaps');
  const { url: server = replicaOf(simulator).url, ...rest } = options;
  const lines: ResultLine[] = [];
  const stopped = new AbortController();
  const plan: SwarmPlan = {
    access: { server, caPem: simulator.pki.clusterCa.cert, token: 'token-admin' },
    ...{ resource, namespace: 'default', labels: {}, watchers: 12, connections: 2 },
    ...{ mode: 'list-watch', encoding: 'json', durationMs: 1000, timeoutMs: 300_000 },
    ...{ writesPerSecond: 50, objects: 6, shards: 2, select: 'label' },
    ...rest,
  };
  const said: string[] = [];
  const running = new Swarm(plan, {
    line: (line) => void lines.push(line),
    progress: (text) => void said.push(text),
  });
  const over = running.run(stopped.signal);
  await during?.(() => stopped.abort());
  await over;
  const metrics = lines.filter((line): line is MetricLine => line.type === 'metric');
  const metric = (name: string): number | undefined =>
    metrics.find((line) => line.name === name)?.value;
  return { lines, metrics, metric };
}

function expectNothingWrong(metric: (name: string) => number | undefined): void {
  for (const what of ['lost', 'duplicated', 'out_of_order']) {
    expect(metric(`watch_events_${what}`), what).toBe(0);
  }
  expect(metric('watch_unrecovered')).toBe(0);
}

test.each([
  { mode: 'list-watch', encoding: 'json' },
  { mode: 'list-watch', encoding: 'protobuf' },
  { mode: 'watch-list', encoding: 'json' },
  { mode: 'watch-list', encoding: 'protobuf' },
] as const)('$mode in $encoding: every change reaches its watchers once', async (how) => {
  const { lines, metrics, metric } = await swarm(how);
  expectNothingWrong(metric);
  const latency = metrics.find(({ name }) => name.startsWith('watch_latency_p99'));
  expect(latency?.name).toBe('watch_latency_p99{watch event configmaps}');
  // Each change has the six watchers of its shard.
  expect(latency?.observations).toBeGreaterThan(6);
  expect(latency?.value).toBeGreaterThan(0);
  expect(metric('watch_relists')).toBe(0);
  expect(metrics.filter(({ critical }) => critical).map(({ name }) => name)).toEqual([
    'watch_events_lost',
    'watch_events_duplicated',
    'watch_events_out_of_order',
  ]);
  expect(lines.filter(({ type }) => type === 'window').length).toBeGreaterThan(0);
  expect(lines.at(-1)?.type).toBe('end');
});

test('watches that end, connections that break and a replica that forgets lose nothing', async () => {
  const replica = replicaOf(simulator);
  const { metric } = await swarm({ durationMs: 60_000 }, async (stop) => {
    const started = (): number => replica.stats().watchesStarted;
    const reopened = async (cause: () => Promise<void> | void): Promise<void> => {
      const before = started();
      await cause();
      await expect.poll(started, { timeout: 30_000 }).toBeGreaterThanOrEqual(before + 12);
      await expect.poll(() => replica.stats().openWatches, { timeout: 30_000 }).toBe(12);
    };
    await reopened(() => undefined);
    await reopened(() => replica.endWatches());
    await reopened(() => replica.reset());
    // Its next life has no history: whoever watches from before is told 410.
    await reopened(async () => {
      replica.kill();
      simulator.create('configmaps', { metadata: { name: 'meanwhile' } });
      await replica.restart();
    });
    stop();
  });
  expectNothingWrong(metric);
  // All of them, on a 410 or because the watch before was too short to be trusted.
  expect(metric('watch_relists')).toBeGreaterThanOrEqual(12);
  // A reset of the connection and an end of the watch are no reason to list again.
  expect(metric('watch_ends{connection}')).toBeGreaterThanOrEqual(12);
  expect(metric('watch_recover_p99')).toBeGreaterThan(0);
  expect(metric('watch_gap_max')).toBeGreaterThan(0);
});

type Meddle = (line: string, watch: number) => readonly string[];

/** Passes everything on, and the lines of watches through `meddle`. */
async function startRelay(meddle: Meddle) {
  const { apiserver, clusterCa } = simulator.pki;
  const behind = connect(replicaOf(simulator).url, { ca: clusterCa.cert });
  behind.on('error', () => undefined);
  const server = createSecureServer({ cert: apiserver.cert, key: apiserver.key });
  let watches = 0;
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => void sessions.add(session));
  server.on('sessionError', () => undefined);
  server.on('stream', (plain, { ':authority': _authority, ...headers }) => {
    const stream = plain as ServerHttp2Stream;
    const request = behind.request(headers);
    const watch = String(headers[':path']).includes('watch=true') ? watches++ : undefined;
    for (const one of [stream, request]) one.on('error', () => undefined);
    stream.pipe(request);
    stream.on('close', () => request.close());
    request.on('response', (head) => {
      stream.respond(head);
      if (watch === undefined) request.pipe(stream);
    });
    if (watch === undefined) return;
    let rest = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) for (const said of meddle(line, watch)) stream.write(`${said}\n`);
    });
    request.on('end', () => stream.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      for (const session of sessions) session.destroy();
      behind.destroy();
      server.close();
    },
  };
}

/** Does something to the third change of the first watch. */
function onThird(what: (line: string) => readonly string[]): Meddle {
  let seen = 0;
  return (line, watch) => {
    if (watch !== 0 || !line.includes('"MODIFIED"')) return [line];
    seen += 1;
    return seen === 3 ? what(line) : [line];
  };
}

function swapThird(): Meddle {
  let held: string | undefined;
  const hold = onThird((line) => {
    held = line;
    return [];
  });
  return (line, watch) => {
    const before = held;
    const said = hold(line, watch);
    if (before === undefined || watch !== 0 || !line.includes('"MODIFIED"')) return said;
    held = undefined;
    return [...said, before];
  };
}

test.each([
  { name: 'lost', meddle: () => onThird(() => []) },
  { name: 'duplicated', meddle: () => onThird((line) => [line, line]) },
  { name: 'out_of_order', meddle: swapThird },
])('one event that is $name on one of many watches is found, and nothing else', async (one) => {
  const relay = await startRelay(one.meddle());
  try {
    const { metric } = await swarm({ url: relay.url });
    const names = ['lost', 'duplicated', 'out_of_order'];
    const found = names.map((name) => [name, metric(`watch_events_${name}`)]);
    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(names.map((name) => [name, name === one.name ? 1 : 0])),
    );
  } finally {
    relay.stop();
  }
});

test('who is called wrongly or reaches nobody says so in one line, and ends with 2', async () => {
  const main = join(ROOT_DIRECTORY, 'loadtests/swarm/main.ts');
  const run = (...argv: string[]) => promisify(execFile)(process.execPath, [main, ...argv]);
  await expect(run('--server', 'https://127.0.0.1:1')).rejects.toMatchObject({
    code: 2,
    stderr: 'error: cannot reach https://127.0.0.1:1: ECONNREFUSED\n',
  });
  const url = replicaOf(simulator).url;
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-swarm-'));
  try {
    const file = join(directory, 'file');
    await writeFile(file, simulator.pki.clusterCa.cert);
    await expect(run('--server', url)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: cannot reach https:.*: \w*(CERT|SIGNATURE)\w*\n$/),
    });
    await expect(run('--server', url, '--ca', file)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: https:.* answered 40[13], expected 200\n$/),
    });
  } finally {
    await rm(directory, { recursive: true });
  }
  await expect(run('--server', 'https://127.0.0.1:1', '--mode', 'x')).rejects.toMatchObject({
    code: 2,
    stderr: 'error: --mode: expected one of list-watch, watch-list, got "x"\n',
  });
});
