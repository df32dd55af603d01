// What it takes to run a proxy beside ours, and to know that it is there.
import { existsSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { TOOLS_DIRECTORY } from '../../tools/binaries.ts';
import type { Child, ChildGroup } from '../../tools/child.ts';
import { findFreePorts } from '../../tools/loopback.ts';
import type { Pki } from '../../tools/pki.ts';
import { runProgram } from '../../tools/run-program.ts';
import { waitForAnswer } from '../wire/answer.ts';

export interface Upstream {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** Where a peer runs. */
export interface Place {
  /** Its own folder. */
  readonly directory: string;
  readonly pki: Pki;
  /** Listens there, on 127.0.0.1. */
  readonly port: number;
  readonly upstreams: readonly Upstream[];
}

/** A proxy as its users would set it up, with one worker. */
export interface Peer {
  readonly name: string;
  /** A path, or a name that is looked for in `PROGRAM_FOLDERS`. */
  readonly program: string;
  /** What makes it print its version; none for our own. */
  readonly versionArguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** nginx speaks no HTTP/2 to backends. */
  readonly upstreamProtocol: 'h2' | 'http/1.1';
  /** Writes what the peer reads and returns its arguments. */
  prepare(place: Place): Promise<readonly string[]>;
}

/** One that runs. */
export interface RunningPeer {
  readonly url: string;
  readonly child: Child;
}

const ENVOY_FOLDER = join(TOOLS_DIRECTORY, 'peers/envoy/envoy/_bin');
/** Ours first. Debian keeps servers in sbin, which is not on everybody's PATH. */
const PROGRAM_FOLDERS: readonly string[] = [
  join(TOOLS_DIRECTORY, 'peers/bin'),
  ENVOY_FOLDER,
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
];
const START_LIMIT_MS = 15_000;
const VERSION_LIMIT_MS = 10_000;

/** Undefined when it is not on this machine. */
export function findProgram(name: string): string | undefined {
  if (isAbsolute(name)) return existsSync(name) ? name : undefined;
  return PROGRAM_FOLDERS.map((folder) => join(folder, name)).find(existsSync);
}

/** The first thing in a program's own words that looks like a version. */
export async function programVersion(path: string, args: readonly string[]): Promise<string> {
  const signal = AbortSignal.timeout(VERSION_LIMIT_MS);
  const { lines } = await runProgram({ command: path, args, signal });
  return /\d+\.\d+[\w.+~-]*/.exec(lines.join('\n'))?.[0] ?? 'unknown';
}

/** Starts `peer` and waits until it answers from its backend. */
export async function startPeer(
  peer: Peer,
  children: ChildGroup,
  place: Omit<Place, 'port'>,
): Promise<RunningPeer> {
  const [port = 0] = await findFreePorts(1);
  const command = findProgram(peer.program);
  if (command === undefined) throw new Error(`${peer.name}: not installed`);
  const variables = Object.entries(peer.environment ?? {}).map((pair) => pair.join('='));
  const child = children.start({
    name: peer.name,
    command: '/usr/bin/env',
    args: [...variables, command, ...(await peer.prepare({ ...place, port }))],
    logPath: join(place.directory, `${basename(peer.program)}.log`),
  });
  const url = `https://127.0.0.1:${port}`;
  const { certPath } = place.pki.clusterCa;
  await child.untilReady((signal) =>
    waitForAnswer({ url, path: '/readyz', caPath: certPath }, { limitMs: START_LIMIT_MS, signal }),
  );
  return { url, child };
}
