// What the front door costs: the same requests with and without it.
import { mkdir } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { missingBinaries } from '../tools/binaries.ts';
import { ChildGroup } from '../tools/child.ts';
import { type ControlPlane, startControlPlane } from '../tools/control-plane.ts';
import { startDoor } from '../tools/door.ts';
import type { Benchmark, BenchmarkContext, BenchmarkResult, NotRun } from './benchmark.ts';
import { interleave } from './statistics.ts';
import { fetchBody, MeasuredSubject, type Settings, type SubjectSpec } from './subject.ts';
import { resultTable, summarize } from './summary.ts';
import { startOwnBackend } from './wire/backends.ts';

/** The same requests twice: without the door, and through it. */
interface Pair {
  readonly direct: SubjectSpec;
  readonly proxied: SubjectSpec;
}

/** In flight at any time: connections x streams, 100 as in the measurements of docs/decisions. */
const DEFAULTS: Settings = { seconds: 2, rounds: 4, connections: 10, streams: 10 };
const QUICK = { seconds: 0.5, rounds: 2 };
const OBJECT_PATH = '/api/v1/namespaces/default/configmaps';
const OBJECT_CHARS = 2048;
const WARM_UP_SECONDS = 1;
const APISERVERS = 'three kube-apiservers';
const BACKEND = 'node:http2 backend';
const NAMES = { direct: 'direct', proxied: 'through the door' };

export const frontDoor: Benchmark = {
  name: 'front-door',
  title: 'GET of 2 KiB, direct and through the door, from kube-apiservers and from a fast backend',
  async run(context): Promise<BenchmarkResult> {
    const children = new ChildGroup();
    await context.onEnd(() => children.stop());
    const backend = await measurePair(await startBackend(context, children), context, children);
    const missing = missingBinaries(['etcd', 'kube-apiserver']);
    if (missing.length === 0) {
      const pair = await startApiservers(context, children);
      return report([...backend, ...(await measurePair(pair, context, children))], []);
    }
    const reason = `no ${missing.join(', ')} in .tools/bin`;
    const notRun = Object.values(NAMES).map((way) => ({ name: `${APISERVERS}, ${way}`, reason }));
    return report(backend, notRun);
  },
};

function report(subjects: readonly MeasuredSubject[], notRun: readonly NotRun[]): BenchmarkResult {
  const rows = subjects.map(summarize);
  return { figures: { rows, notRun }, lines: resultTable(rows, notRun) };
}

async function measurePair(
  { direct, proxied }: Pair,
  { directory, options, signal, say }: BenchmarkContext,
  children: ChildGroup,
): Promise<MeasuredSubject[]> {
  const settings = { ...DEFAULTS, ...(options.quick ? QUICK : {}), ...options.settings };
  const body = await fetchBody(direct);
  if (!body.equals(await fetchBody(proxied))) {
    throw new Error(`${proxied.name}: another answer than ${direct.name}`);
  }
  say(`${direct.name} and ${proxied.name} answer alike, ${body.length} bytes`);
  const environment = { children, directory, bodyBytes: body.length };
  const first = new MeasuredSubject(direct, settings, environment);
  const second = new MeasuredSubject(proxied, settings, environment);
  for (const subject of [first, second]) await subject.warmUp(WARM_UP_SECONDS);
  for (const subject of interleave([first, second], settings.rounds)) {
    signal.throwIfAborted();
    await subject.measure(settings.seconds);
    const { requestsPerSecond = 0 } = subject.samples.at(-1) ?? {};
    say(`${subject.name}: ${Math.round(requestsPerSecond)} requests/s`);
  }
  return [first, second];
}

async function startBackend(
  { directory, say }: BenchmarkContext,
  children: ChildGroup,
): Promise<Pair> {
  say('starting the backend and a door before it');
  const folder = join(directory, 'backend');
  const { pki, upstreams } = await startOwnBackend(folder, children);
  const [first] = upstreams.h2;
  if (first === undefined) throw new Error('the backend has no port');
  const url = `https://${first.host}:${first.port}`;
  const endpoints = [{ name: 'backend', url }];
  const door = await startDoor({ directory: folder, pki, children, endpoints });
  const common = {
    path: '/api/v1/namespaces/default/configmaps/one',
    caPath: pki.clusterCa.certPath,
  };
  const { certPath, keyPath } = pki.admin;
  return {
    direct: { ...common, name: `${BACKEND}, ${NAMES.direct}`, urls: [url] },
    proxied: {
      ...common,
      name: `${BACKEND}, ${NAMES.proxied}`,
      urls: [door.url],
      certPath,
      keyPath,
      doorPid: door.child.pid,
    },
  };
}

async function startApiservers(
  { directory, say, onEnd }: BenchmarkContext,
  children: ChildGroup,
): Promise<Pair> {
  const controlPlane = await startControlPlane({
    directory: join(directory, 'cluster'),
    replicas: 3,
    log: say,
  });
  await onEnd(() => controlPlane.stop());
  const { pki, replicas } = controlPlane;
  const name = await createObject(controlPlane);
  const folder = join(directory, 'door');
  await mkdir(folder);
  const door = await startDoor({ directory: folder, pki, children, endpoints: replicas });
  const { certPath, keyPath } = pki.admin;
  const common = {
    path: `${OBJECT_PATH}/${name}`,
    caPath: pki.clusterCa.certPath,
    certPath,
    keyPath,
  };
  return {
    direct: {
      ...common,
      name: `${APISERVERS}, ${NAMES.direct}`,
      urls: replicas.map(({ url }) => url),
    },
    proxied: {
      ...common,
      name: `${APISERVERS}, ${NAMES.proxied}`,
      urls: [door.url],
      doorPid: door.child.pid,
    },
  };
}

/** Makes the object that is read, and returns its name. */
function createObject({ pki, replicas, tokens }: ControlPlane): Promise<string> {
  const name = 'bench';
  const options = {
    method: 'POST',
    ca: pki.clusterCa.cert,
    agent: false,
    headers: {
      authorization: `Bearer ${tokens.admin}`,
      'content-type': 'application/json',
    },
  };
  const object = { metadata: { name }, data: { text: 'x'.repeat(OBJECT_CHARS) } };
  return new Promise((resolve, reject) => {
    request(`${replicas[0]?.url}${OBJECT_PATH}`, options, (response) => {
      response.resume();
      if (response.statusCode === 201) resolve(name);
      else reject(new Error(`creating ${name}: answered ${response.statusCode}`));
    })
      .on('error', reject)
      .end(JSON.stringify(object));
  });
}
