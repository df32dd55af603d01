// What stands behind the subjects.
import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Child, ChildGroup } from '../../tools/child.ts';
import { startControlPlane } from '../../tools/control-plane.ts';
import { JsonLines } from '../../tools/json-lines.ts';
import { findFreePorts } from '../../tools/loopback.ts';
import { createPki, type Pki } from '../../tools/pki.ts';
import type { BenchmarkContext } from '../benchmark.ts';
import { findProgram, type Peer, type Upstream } from '../peers/peer.ts';
import { waitForAnswer } from './answer.ts';

export interface Backend {
  readonly name: string;
  readonly pki: Pki;
  readonly upstreams: Readonly<Record<Peer['upstreamProtocol'], readonly Upstream[]>>;
  /** What every request must have. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The one that sends events when it is told to. */
export interface OwnBackend extends Backend {
  readonly child: Child;
  readonly lines: JsonLines;
}

export const OBJECT_FOLDER = '/api/v1/namespaces/default/configmaps';
const START_LIMIT_MS = 10_000;
const REPLICAS = 3;
/** A request of client-go has these, and a token that is never the same length; 1 KiB is common. */
const CLIENT_HEADERS = {
  accept: 'application/json, */*',
  authorization: `Bearer ${'e'.repeat(900)}`,
};
const RETURN_BODY_BYTES: readonly number[] = [100, 2048];
const OBJECT_CHARS = 2048;

function upstreamsOf(ports: readonly number[]): Upstream[] {
  return ports.map((port, index) => ({ name: `a${index + 1}`, host: '127.0.0.1', port }));
}

/**
 * An HAProxy that answers by itself, on three ports: it costs less than any proxy before it, so
 * that it is not the limit. Only bodies that fit into its buffers.
 */
export async function startReturnBackend(
  folder: string,
  children: ChildGroup,
): Promise<Backend | undefined> {
  const command = findProgram('haproxy');
  if (command === undefined) return undefined;
  await mkdir(folder);
  const pki = await createPki(join(folder, 'pki'));
  const bundle = join(folder, 'backend.pem');
  await writeFile(bundle, pki.apiserver.cert + pki.apiserver.key, { mode: 0o600 });
  const ports = await findFreePorts(REPLICAS);
  const answer = 'http-request return status 200 content-type application/json';
  const rules: string[] = [];
  for (const bytes of RETURN_BODY_BYTES) {
    const file = join(folder, `body-${bytes}`);
    await writeFile(file, Buffer.alloc(bytes, 'evenkeel '));
    rules.push(`  ${answer} file ${file} if { path_end /${bytes} }`);
  }
  const config = [
    'global',
    '  nbthread 1',
    'defaults',
    '  mode http',
    '  timeout client 1h',
    '  timeout server 1h',
    '  timeout connect 5s',
    'frontend backend',
    ...ports.map((port) => `  bind 127.0.0.1:${port} ssl crt ${bundle} alpn h2,http/1.1`),
    ...rules,
    `  ${answer} string ok if { path /readyz }`,
    '',
  ];
  await writeFile(join(folder, 'backend.cfg'), config.join('\n'));
  const child = children.start({
    name: 'HAProxy as backend',
    command,
    args: ['-db', '-f', join(folder, 'backend.cfg')],
    logPath: join(folder, 'backend.log'),
  });
  const question = { url: `https://127.0.0.1:${ports[0]}`, path: '/readyz' };
  await child.untilReady((signal) =>
    waitForAnswer(
      { ...question, caPath: pki.clusterCa.certPath },
      { limitMs: START_LIMIT_MS, signal },
    ),
  );
  const upstreams = upstreamsOf(ports);
  return {
    name: "HAProxy's own answer",
    pki,
    upstreams: { h2: upstreams, 'http/1.1': upstreams },
    headers: CLIENT_HEADERS,
  };
}

/** bench/backend.ts: large bodies, uploads and watches. */
export async function startOwnBackend(folder: string, children: ChildGroup): Promise<OwnBackend> {
  await mkdir(folder);
  const pki = await createPki(join(folder, 'pki'));
  const child = children.start({
    name: 'backend',
    command: process.execPath,
    args: [
      fileURLToPath(new URL('../backend.ts', import.meta.url)),
      `--cert=${pki.apiserver.certPath}`,
      `--key=${pki.apiserver.keyPath}`,
    ],
    logPath: join(folder, 'backend.log'),
    interactive: true,
  });
  const lines = new JsonLines(child.name, child.requireStdout());
  const limit = AbortSignal.timeout(START_LIMIT_MS);
  const listening = await child.untilReady((ended) =>
    lines.next(({ event }) => event === 'listening', AbortSignal.any([ended, limit])),
  );
  const { ports, http1Ports } = listening as unknown as Record<string, number[]>;
  return {
    name: 'node:http2 backend',
    pki,
    upstreams: { h2: upstreamsOf(ports ?? []), 'http/1.1': upstreamsOf(http1Ports ?? []) },
    headers: CLIENT_HEADERS,
    child,
    lines,
  };
}

/** Three real kube-apiservers with an object of 2 KiB, and where it is. */
export async function startKubeBackend(
  { say, onEnd }: BenchmarkContext,
  folder: string,
): Promise<{ backend: Backend; path: string }> {
  const controlPlane = await startControlPlane({ directory: folder, replicas: REPLICAS, log: say });
  await onEnd(() => controlPlane.stop());
  const { pki, replicas, tokens } = controlPlane;
  const headers = { accept: 'application/json', authorization: `Bearer ${tokens.admin}` };
  const upstreams = replicas.map(({ name, url }) => {
    const { hostname, port } = new URL(url);
    return { name, host: hostname, port: Number(port) };
  });
  await createObject(`${replicas[0]?.url}${OBJECT_FOLDER}`, pki, headers);
  return {
    backend: {
      name: 'three kube-apiservers',
      pki,
      upstreams: { h2: upstreams, 'http/1.1': upstreams },
      headers,
    },
    path: `${OBJECT_FOLDER}/bench`,
  };
}

function createObject(url: string, pki: Pki, headers: Record<string, string>): Promise<void> {
  const options = {
    method: 'POST',
    ca: pki.clusterCa.cert,
    agent: false,
    headers: { ...headers, 'content-type': 'application/json' },
  };
  const object = { metadata: { name: 'bench' }, data: { text: 'x'.repeat(OBJECT_CHARS) } };
  return new Promise((resolve, reject) => {
    request(url, options, (response) => {
      response.resume();
      if (response.statusCode === 201) resolve();
      else reject(new Error(`creating an object: answered ${response.statusCode}`));
    })
      .on('error', reject)
      .end(JSON.stringify(object));
  });
}
