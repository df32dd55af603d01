import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { missingBinaries } from '../../tools/binaries.ts';
import { startControlPlane } from '../../tools/control-plane.ts';
import { notRun, type Row } from '../row.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';
import { DoorUnderTest } from '../watches/door-under-test.ts';
import {
  anonymousStorm,
  doorRestart,
  type Fault,
  freeze,
  kill,
  killBesideFresh,
  networkCut,
  rollingRestart,
  type Site,
} from '../watches/faults.ts';
import { Fleet } from '../watches/fleet.ts';
import { killDuringInitialLists } from '../watches/initial-lists.ts';
import { killUnderManyWatches } from '../watches/many-watches.ts';
import { NumberedWriter } from '../watches/numbered-writer.ts';
import { type Floors, phaseRows, runPhase } from '../watches/phase.ts';

const INFORMERS = 200;
const RAW_WATCHES = 800;
/**
 * To all of the watches, so 10,000 deliveries a second: more than twice what peers were looked at
 * with. At 20 the machine's two cores are busy before anything has happened, and what a starting
 * kube-apiserver takes from everybody else is all that the latency shows.
 */
const WRITES_PER_SECOND = 10;
const STEADY_MS = 15_000;
const EVEN = 1.1;
const EVEN_LIMIT_MS = 60_000;
const WHAT = `${INFORMERS} informers and ${RAW_WATCHES} plain watches`;

const steady: Fault = {
  name: 'steady',
  run: ({ signal }) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, STEADY_MS);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    }),
};

async function measureWatches(context: ScenarioContext): Promise<Row[]> {
  // Before the rest, so that the real components have the machine for themselves.
  return [...(await killUnderManyWatches(context)), ...(await measureRealReplicas(context))];
}

async function measureRealReplicas(context: ScenarioContext): Promise<Row[]> {
  const missing = missingBinaries(['etcd', 'kube-apiserver', 'informers']);
  if (missing.length > 0) return [notRun(WHAT, 'all of it', `no ${missing.join(', ')}`)];
  const { say, onEnd, signal } = context;
  const directory = join(context.directory, 'watches');
  await mkdir(directory);
  const controlPlane = await startControlPlane({
    directory: join(directory, 'cluster'),
    replicas: 3,
    log: say,
  });
  await onEnd(() => controlPlane.stop());
  const door = await DoorUnderTest.start(controlPlane, directory);
  await onEnd(() => door.close());
  const writer = new NumberedWriter(controlPlane);
  await writer.prepare();
  const site: Site = { controlPlane, writer, url: door.url, signal };
  say(`opening ${WHAT}`);
  const fleet = await Fleet.start(controlPlane, door.url, {
    informers: INFORMERS,
    rawWatches: RAW_WATCHES,
  });
  // Also when it is stopped half-way: plain watches would come back for ever.
  await onEnd(() => fleet.stop());
  writer.start(WRITES_PER_SECOND);
  await onEnd(() => writer.stop());
  const rows = await measureFaults(context, fleet, door, site);
  await fleet.stop();
  for (const watchList of [false, true]) {
    say(`killing a replica during initial lists, WatchList ${watchList ? 'on' : 'off'}`);
    rows.push(await killDuringInitialLists(site, watchList));
  }
  return rows;
}

async function measureFaults(
  { say, signal }: ScenarioContext,
  fleet: Fleet,
  door: DoorUnderTest,
  site: Site,
): Promise<Row[]> {
  const rows: Row[] = [];
  const phase = async (fault: Fault, floors: Floors): Promise<number[]> => {
    signal.throwIfAborted();
    say(fault.name);
    const { maxOverMean } = floors;
    const even = maxOverMean === undefined ? undefined : { maxOverMean, limitMs: EVEN_LIMIT_MS };
    const result = await runPhase(fleet, fault, site, even);
    rows.push(...phaseRows(fault.name, result, floors));
    return [result.figures.silenceMs, result.figures.p99Ms];
  };
  const [silenceMs = 0, p99Ms = 0] = await phase(steady, { ends: 0, maxOverMean: EVEN });
  const same: Floors = {
    ends: 0,
    maxOverMean: EVEN,
    silenceMs: silenceMs + 200,
    p99Ms: Math.ceil(p99Ms * 1.5),
  };
  // Two seconds of silence in thirty are more than one per cent of the events of a third of all.
  const silent: Floors = { ends: 0, maxOverMean: EVEN, silenceMs: 3000 };
  await phase(kill, same);
  await phase(rollingRestart(2), same);
  await phase(freeze, silent);
  await phase(networkCut(door), silent);
  await phase(killBesideFresh, same);
  await phase(anonymousStorm, { ends: 0 });
  const moves = await door.continuations();
  await phase(doorRestart(door), { silenceMs: 2000 });
  rows.push({
    what: 'moves, but for the last fault',
    floor: '',
    figure: moves,
    verdict: 'measured',
  });
  return rows;
}

/** Informers and plain watches live through what happens to replicas. */
export const watches: Scenario = {
  name: 'watches',
  title: 'nobody lists again, and nothing is lost, when replicas die, freeze and restart',
  run: measureWatches,
};
