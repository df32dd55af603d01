// The faults of the scenario `watches` behind HAProxy and Envoy, and behind the door under the same
// load. Nothing here is a floor of ours.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { missingBinaries } from '../../tools/binaries.ts';
import type { Child } from '../../tools/child.ts';
import { type ControlPlane, startControlPlane } from '../../tools/control-plane.ts';
import { startDoor } from '../../tools/door.ts';
import { holds, notRun, type Row } from '../row.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';
import { type Fault, freeze, kill, rollingRestart } from '../watches/faults.ts';
import { Fleet, maxOverMean } from '../watches/fleet.ts';
import { NumberedWriter } from '../watches/numbered-writer.ts';
import { findPeer, type Peer, peerVersion, startPeer } from '../watches/peer.ts';
import { type PhaseResult, runPhase } from '../watches/phase.ts';
import { envoyForWatches, haproxyForWatches } from '../watches/tuned-peers.ts';

const PEERS: readonly Peer[] = [
  haproxyForWatches(false),
  haproxyForWatches(true),
  envoyForWatches(false),
  envoyForWatches(true),
];
const FAULTS: readonly Fault[] = [kill, rollingRestart(1), freeze];
/** Fewer plain watches than in `watches`: it is four times as many runs. */
const SIZE = { informers: 200, rawWatches: 300 };
const WRITES_PER_SECOND = 20;
/** The door has its watches even again by then. */
const EVEN = { maxOverMean: 1.1, limitMs: 15_000 };

async function measurePeers(context: ScenarioContext): Promise<Row[]> {
  const missing = missingBinaries(['etcd', 'kube-apiserver', 'informers']);
  if (missing.length > 0) return [notRun('peers', 'all of it', `no ${missing.join(', ')}`)];
  const { say, onEnd } = context;
  const directory = join(context.directory, 'peers');
  await mkdir(directory);
  const controlPlane = await startControlPlane({
    directory: join(directory, 'cluster'),
    replicas: 3,
    log: say,
  });
  await onEnd(() => controlPlane.stop());
  const writer = new NumberedWriter(controlPlane);
  await writer.prepare();
  writer.start(WRITES_PER_SECOND);
  await onEnd(() => writer.stop());
  const run = { controlPlane, writer };
  const rows = await measureSubject(context, { ...run, ...(await startOwnDoor(run, directory)) });
  for (const peer of PEERS) {
    const path = findPeer(peer);
    if (path === undefined) {
      rows.push(notRun(peer.name, '', `no ${peer.program}: npm run bench:peers`));
      continue;
    }
    rows.push(
      ...(await measureSubject(context, { ...run, ...(await start(run, peer, path, directory)) })),
    );
  }
  return rows;
}

interface Run {
  readonly controlPlane: ControlPlane;
  readonly writer: NumberedWriter;
}

/** What stands before the replicas. */
interface Subject {
  readonly name: string;
  readonly url: string;
  readonly child: Child;
}

async function startOwnDoor({ controlPlane }: Run, directory: string): Promise<Subject> {
  const { pki, children, replicas } = controlPlane;
  const { url, child } = await startDoor({ directory, pki, children, endpoints: replicas });
  return { name: 'evenkeel', url, child };
}

async function start(
  { controlPlane }: Run,
  peer: Peer,
  path: string,
  directory: string,
): Promise<Subject> {
  const version = await peerVersion(path, peer);
  const { pki, children, replicas } = controlPlane;
  const upstreams = replicas.map(({ name, port }) => ({ name, port }));
  const { url, child } = await startPeer(peer, path, children, { directory, pki, upstreams });
  return { name: `${peer.name} ${version}`, url, child };
}

async function measureSubject(
  { say, signal, onEnd }: ScenarioContext,
  { controlPlane, writer, name, url, child }: Run & Subject,
): Promise<Row[]> {
  const fleet = await Fleet.start(controlPlane, url, SIZE);
  await onEnd(() => fleet.stop());
  const rows: Row[] = [];
  for (const fault of FAULTS) {
    signal.throwIfAborted();
    say(`${name}: ${fault.name}`);
    const result = await runPhase(fleet, fault, { controlPlane, writer, url, signal }, EVEN);
    rows.push(rowOf(`${name}, ${fault.name}`, result));
  }
  await fleet.stop();
  await child.kill();
  return rows;
}

/** Only stores that are wrong at the end would be a fault: of this measurement, or of client-go. */
function rowOf(what: string, { figures, stores, spread }: PhaseResult): Row {
  const { relists, ends, silenceMs, p99Ms } = figures;
  const figure = [
    `${relists} LISTs`,
    `${ends} ends`,
    `silence ${silenceMs} ms`,
    `p99 ${Math.round(p99Ms)} ms`,
    `max/mean ${maxOverMean(spread).toFixed(2)} (${spread.join(', ')})`,
  ].join(', ');
  return holds(what, 'stores right', figure, stores.equal);
}

/** For the table of the README. */
export const watchesPeers: Scenario = {
  name: 'watches-peers',
  title: 'what the door, HAProxy and Envoy do to the same informers and watches',
  run: measurePeers,
};
