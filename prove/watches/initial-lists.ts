// A replica dies while every informer is in its initial list, with and without WatchList.
import { setTimeout as delay } from 'node:timers/promises';
import { TOKENS } from '../../tools/control-plane.ts';
import { startInformers } from '../../tools/informers.ts';
import { holds, type Row } from '../row.ts';
import type { Site } from './faults.ts';

const INFORMERS = 100;
/** Their connections stand by then, and their lists are on their way. */
const INTO_THE_LISTS_MS = 400;

export async function killDuringInitialLists(site: Site, watchList: boolean): Promise<Row> {
  const { controlPlane, writer } = site;
  const [victim, direct] = controlPlane.replicas;
  if (victim === undefined || direct === undefined) throw new Error('two replicas are needed');
  await writer.avoid(victim);
  const identity = { token: TOKENS.admin };
  const starting = startInformers(controlPlane, {
    kubeconfig: await controlPlane.kubeconfig(site.url, identity),
    directKubeconfig: await controlPlane.kubeconfig(direct.url, identity),
    clients: INFORMERS,
    resources: ['configmaps'],
    namespace: 'default',
    watchList,
  });
  await delay(INTO_THE_LISTS_MS, undefined, { signal: site.signal });
  await victim.kill();
  const informers = await starting;
  const check = await informers.check();
  await informers.quit();
  await victim.restart();
  return holds(
    `kill during initial lists, WatchList ${watchList ? 'on' : 'off'}: stores`,
    'equal, nothing out of order',
    `${check.differenceCount} differences, ${check.regressions} out of order, ` +
      `${check.relists} lists again, ${check.refused} refused`,
    check.equal && check.regressions === 0,
  );
}
