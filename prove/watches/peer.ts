// Starts a proxy that others have made, where it is on this machine.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TOOLS_DIRECTORY } from '../../tools/binaries.ts';
import type { Child, ChildGroup } from '../../tools/child.ts';
import { findFreePorts, waitUntilHealthy } from '../../tools/loopback.ts';
import type { Pki } from '../../tools/pki.ts';
import { runProgram } from '../../tools/run-program.ts';

/** Where a peer runs. */
export interface Place {
  readonly directory: string;
  readonly pki: Pki;
  /** Listens there, on 127.0.0.1. */
  readonly port: number;
  readonly upstreams: readonly { readonly name: string; readonly port: number }[];
}

export interface Peer {
  readonly name: string;
  readonly program: string;
  /** What makes it print its version. */
  readonly versionArguments: readonly string[];
  /** Writes what it reads and returns its arguments. */
  prepare(place: Place): Promise<readonly string[]>;
}

/** Where `npm run bench:peers` puts them, and where Debian does. */
const FOLDERS: readonly string[] = [
  join(TOOLS_DIRECTORY, 'peers/bin'),
  join(TOOLS_DIRECTORY, 'peers/envoy/envoy/_bin'),
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
];
const VERSION_LIMIT_MS = 10_000;
const START_LIMIT_MS = 20_000;

/** Undefined when it is not on this machine. */
export function findPeer({ program }: Peer): string | undefined {
  return FOLDERS.map((folder) => join(folder, program)).find(existsSync);
}

/** The first thing in its own words that looks like a version. */
export async function peerVersion(path: string, { versionArguments }: Peer): Promise<string> {
  const { lines } = await runProgram({
    command: path,
    args: [...versionArguments],
    signal: AbortSignal.timeout(VERSION_LIMIT_MS),
  });
  return /\d+\.\d+[\w.+~-]*/.exec(lines.join('\n'))?.[0] ?? 'unknown';
}

/** Resolves when /readyz comes through it. */
export async function startPeer(
  peer: Peer,
  path: string,
  children: ChildGroup,
  place: Omit<Place, 'port'>,
): Promise<{ readonly url: string; readonly child: Child }> {
  const [port = 0] = await findFreePorts(1);
  const child = children.start({
    name: peer.name,
    command: path,
    args: await peer.prepare({ ...place, port }),
    logPath: join(place.directory, `${peer.program}-${port}.log`),
  });
  const url = `https://127.0.0.1:${port}`;
  const ca = place.pki.clusterCa.cert;
  await child.untilReady((signal) =>
    waitUntilHealthy(`${url}/readyz`, { ca, limitMs: START_LIMIT_MS, signal }),
  );
  return { url, child };
}
