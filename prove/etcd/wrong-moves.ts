// Moves that break clusters, each on a real one that is ready for it: they must be refused, and for
// the right reason.
import type { EtcdCluster } from '../../tools/etcd-cluster.ts';
import { divergeMember } from '../../tools/etcd-divergence.ts';
import { holds, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';
import { reasonOf, runCheck } from './evenkeel-etcd.ts';
import { withCluster } from './site.ts';

/** What must be refused. */
export interface WrongMove {
  readonly what: string;
  /** The arguments without the endpoints. */
  readonly args: readonly string[];
  /** The item that must fail. */
  readonly item: string;
  /** 1 by default; 2 for what has diverged. */
  readonly exitCode?: number;
}

const QUICK = ['--observe', '1s'];

/** Tries it, and holds the exit code and the failed item against what they ought to be. */
export async function refusal(
  cluster: EtcdCluster,
  { what, args, item, exitCode = 1 }: WrongMove,
  { signal, say }: Pick<ScenarioContext, 'signal' | 'say'>,
): Promise<Row> {
  say(`wrong move: ${what}`);
  const endpoints = ['--endpoints', cluster.endpoints.join(',')];
  const run = await runCheck([...args, ...endpoints, ...QUICK], signal);
  const failed = run.items.some(({ id, outcome }) => id === item && outcome === 'failed');
  return holds(
    `refused: ${what}`,
    `exit ${exitCode} for ${item}`,
    `exit ${run.exitCode}, ${shorten(reasonOf(run, item))}`,
    run.exitCode === exitCode && failed,
  );
}

const SHOWN_LENGTH = 110;

function shorten(text: string): string {
  return text.length <= SHOWN_LENGTH ? text : `${text.slice(0, SHOWN_LENGTH)}...`;
}

/** Those that need a cluster of their own. */
export async function measureWrongMoves(context: ScenarioContext): Promise<Row[]> {
  return [
    ...(await withCluster(context, { version: '3.5.5' }, async (cluster) => {
      const follower = await cluster.follower();
      const gate = ['gate', '--member', follower.name, '--to', '3.6.14'];
      return [
        await refusal(cluster, { what: 'floor ignored', args: gate, item: 'floor' }, context),
      ];
    })),
    ...(await withCluster(context, { version: '3.5.33' }, (cluster) =>
      alarmsAndMore(cluster, context),
    )),
    ...(await withCluster(context, { version: '3.6.14' }, (cluster) => waysBack(cluster, context))),
    ...(await withCluster(context, { version: '3.4.23' }, async (cluster) => {
      await cluster.enableAuth('prove');
      return [await authRefusal(cluster, context)];
    })),
  ];
}

async function alarmsAndMore(cluster: EtcdCluster, context: ScenarioContext): Promise<Row[]> {
  const rows: Row[] = [];
  const follower = await cluster.follower();
  const gate = ['gate', '--member', follower.name, '--to', '3.6.14'];
  const gateway = cluster.gateway(await cluster.leader());
  const { memberId } = await gateway.status();
  const alarm = { alarm: 'NOSPACE', memberID: String(memberId) };
  await gateway.call('maintenance/alarm', { ...alarm, action: 'ACTIVATE' });
  await cluster.settle();
  rows.push(
    await refusal(cluster, { what: 'NOSPACE alarm', args: gate, item: 'no-alarm' }, context),
  );
  await gateway.call('maintenance/alarm', { ...alarm, action: 'DEACTIVATE' });
  await cluster.settle();
  const learner = await cluster.addLearner();
  rows.push(
    await refusal(cluster, { what: 'a learner is there', args: gate, item: 'no-learner' }, context),
  );
  await cluster.remove(learner);
  await divergeMember({ sound: gateway, behind: cluster.gateway(follower), revisions: 5 });
  await cluster.settle();
  const other = cluster.members.find(({ name }) => name !== follower.name);
  for (const member of [follower, other]) {
    const args = ['gate', '--member', member?.name ?? '', '--to', '3.6.14'];
    const what = `diverged member, ${member === follower ? 'that one' : 'another one'}`;
    rows.push(await refusal(cluster, { what, args, item: 'lag', exitCode: 2 }, context));
  }
  return rows;
}

async function waysBack(cluster: EtcdCluster, context: ScenarioContext): Promise<Row[]> {
  const back = ['preflight', '--to', '3.5.33'];
  const rows = [
    await refusal(
      cluster,
      { what: 'way back without announcement', args: back, item: 'downgrade' },
      context,
    ),
    await refusal(
      cluster,
      { what: 'two minors back', args: ['preflight', '--to', '3.4.45'], item: 'path' },
      context,
    ),
  ];
  await cluster.etcdctl(['downgrade', 'enable', '3.5']);
  const on = ['preflight', '--to', '3.7.3'];
  rows.push(
    await refusal(cluster, { what: 'downgrade under way', args: on, item: 'downgrade' }, context),
  );
  return rows;
}

/** Without a user's name: everybody may ask for what this needs before 3.4.42, and reads are not. */
async function authRefusal(cluster: EtcdCluster, context: ScenarioContext): Promise<Row> {
  const args = ['preflight', '--to', '3.5.33'];
  return await refusal(cluster, { what: 'auth on, 3.4 to 3.5', args, item: 'auth' }, context);
}
