// The subjects: the direct way, the door, and the peers that this machine has.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChildGroup } from '../../tools/child.ts';
import { startDoor } from '../../tools/door.ts';
import type { NotRun } from '../benchmark.ts';
import { findProgram, type Peer, programVersion, startPeer } from '../peers/peer.ts';
import { PEERS } from '../peers/peers.ts';
import { ask } from './answer.ts';
import type { Backend } from './backends.ts';
import type { Load, Target } from './load.ts';

/** Every ratio is to this one. */
export const REFERENCE = 'HAProxy';
export const DOOR = 'evenkeel';
export const DIRECT = 'direct';

export interface Choice {
  readonly peers: readonly Peer[];
  readonly notRun: readonly NotRun[];
  /** By name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** `only` names peers by program or by name, in small letters; all are taken when it is empty. */
export async function choosePeers(only: readonly string[]): Promise<Choice> {
  const asked = PEERS.filter(
    ({ name, program }) =>
      only.length === 0 ||
      name === REFERENCE ||
      only.includes(program) ||
      only.some((word) => name.toLowerCase().includes(word)),
  );
  const peers = asked.filter(({ program }) => findProgram(program) !== undefined);
  const notRun = asked
    .filter((peer) => !peers.includes(peer))
    .map(({ name, program }) => ({ name, reason: `no ${program}; run: npm run bench:peers` }));
  const versions: Record<string, string> = {};
  for (const { name, program, versionArguments } of peers) {
    const path = findProgram(program);
    if (path === undefined || versionArguments === undefined) continue;
    versions[name] = await programVersion(path, versionArguments);
  }
  return { peers, notRun, versions };
}

/** Who goes through one stage, besides the direct way. */
export interface Subjects {
  readonly peers: readonly Peer[];
  /** A door for each number, with so many worker processes. */
  readonly workers: readonly number[];
}

/** Starts all before one backend. The direct way comes first, then the doors. */
export async function startSubjects(
  backend: Backend,
  { peers, workers }: Subjects,
  { folder, children }: { folder: string; children: ChildGroup },
): Promise<Target[]> {
  const { pki, upstreams } = backend;
  const urls = upstreams.h2.map(({ name, host, port }) => ({
    name,
    url: `https://${host}:${port}`,
  }));
  const targets: Target[] = [{ name: DIRECT, url: urls[0]?.url ?? '' }];
  for (const count of workers) {
    const directory = join(folder, `door-${count}`);
    await mkdir(directory, { recursive: true });
    const config = { workers: count };
    const door = await startDoor({ directory, pki, children, endpoints: urls, config });
    const name = count === 1 ? DOOR : `${DOOR}, ${count} workers`;
    targets.push({ name, url: door.url, pid: door.child.pid });
  }
  for (const [index, peer] of peers.entries()) {
    const own = join(folder, `peer-${index}`);
    await mkdir(own);
    const place = { directory: own, pki, upstreams: upstreams[peer.upstreamProtocol] };
    const { url, child } = await startPeer(peer, children, place);
    targets.push({ name: peer.name, url, pid: child.pid });
  }
  return targets;
}

/**
 * The answer of `target`. Throws unless it is 200 with the body `wanted`, where that is known, and
 * tells the length of `upload`.
 */
export async function checkAnswer(
  load: Load,
  target: Target,
  { backend, upload, wanted }: { backend: Backend; upload?: Buffer; wanted?: Buffer },
): Promise<Buffer> {
  const { status, body } = await ask({
    url: target.url,
    path: load.path,
    caPath: backend.pki.clusterCa.certPath,
    headers: backend.headers,
    ...(upload === undefined ? {} : { upload }),
  });
  if (status !== 200) throw new Error(`answered ${status}`);
  if (upload !== undefined && body.toString() !== `${upload.length}`) {
    throw new Error(`${body} of ${upload.length} bytes came through`);
  }
  if (wanted !== undefined && !body.equals(wanted)) {
    throw new Error(`${body.length} bytes, other than the ${wanted.length} expected`);
  }
  return body;
}
