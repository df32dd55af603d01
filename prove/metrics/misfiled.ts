// Watches that the replica files as something else, while they are open: whether the door names them,
// and shows them where they belong.
import { setTimeout as delay } from 'node:timers/promises';
import { parseSamples, sumSamples } from '../apiserver-metrics.ts';
import { holds, type Row } from '../row.ts';
import { readDoor } from './door-metrics.ts';
import { WATCH_KINDS } from './mix.ts';

const OPEN = 'apiserver_longrunning_requests';
/** A watch is certain after two seconds, and two readings are a second apart. */
const READINGS = 12;
const INTERVAL_MS = 1100;

/** @param perKind how many watches of each kind are open */
export async function misfiledRow(adminUrl: string, perKind: number): Promise<Row> {
  // kube-apiserver 1.34 goes by the query there, which legacy paths do not have, and by the scope.
  const legacy = WATCH_KINDS.filter(({ path }) => path.startsWith('/api/v1/watch/'));
  const single = legacy.filter(({ scope }) => scope === 'resource').length;
  const floor = figureOf(perKind * (legacy.length - single), perKind * single, 0);
  let figure = '';
  for (let reading = 0; reading < READINGS && figure !== floor; reading += 1) {
    if (reading > 0) await delay(INTERVAL_MS);
    // Asking for the page makes the door read the replica, and then it knows what to name.
    const page = await fetch(`${adminUrl}/replicas/metrics`);
    const corrected = parseSamples(await page.text());
    const door = await readDoor(adminUrl);
    const named = (verb: string): number =>
      sumSamples(door, 'evenkeel_replica_misfiled_watches', { verb, metric: OPEN });
    const left = (verb: string): number =>
      sumSamples(corrected, OPEN, { verb, resource: 'podtemplates' });
    figure = figureOf(named('LIST'), named('GET'), left('LIST') + left('GET'));
  }
  return holds(
    `watches that the replica has elsewhere in ${OPEN}`,
    floor,
    figure,
    figure === floor,
  );
}

function figureOf(lists: number, gets: number, left: number): string {
  return `named: ${lists} as LIST, ${gets} as GET; in /replicas/metrics ${left} left there`;
}
