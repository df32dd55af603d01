// Makes one member of a healthy cluster fall behind the others by a number of revisions that is
// known, with equal raft indexes and without an alarm: etcd issue 18667, in every release before
// 3.7.0. No fault is injected; these are calls that any client may make.
import { base64, type EtcdGateway, GatewayError } from './etcd-gateway.ts';

export interface DivergenceOptions {
  /** A member that stays right. */
  readonly sound: EtcdGateway;
  /** The member that falls behind. */
  readonly behind: EtcdGateway;
  /** How many revisions it is to fall behind. */
  readonly revisions: number;
}

const PREFIX = 'divergence/';
// The transaction below needs a revision that is compacted, and any store is at 1 before its first
// key, so compacting at a later one always compacts this.
const COMPACTED_REVISION = '1';
// The member answers one after the other anyway; this hides the way there and back.
const IN_FLIGHT = 8;
const OUT_OF_RANGE = 11;

/**
 * Resolves when the transactions are made: `behind` has then answered each with OUT_OF_RANGE and
 * has left out its put, which all others have made. From 3.7.0 all members leave it out.
 * May be called again to add to it, and under load.
 */
export async function divergeMember({ sound, behind, revisions }: DivergenceOptions) {
  await sound.put(`${PREFIX}compared`, 'v1');
  const revision = await sound.put(`${PREFIX}written`, 'v1');
  await sound.call('kv/compaction', { revision: String(revision) }).catch(ignoreCompacted);
  await untilCompacted(behind);
  let left = revisions;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await skipOnePut(behind);
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, revisions) }, worker));
}

/**
 * The contacted member checks the whole transaction and refuses it for its Range; the others are
 * handed it without the Range, whose answer nobody waits for there, and find nothing to refuse
 * (removeNeedlessRangeReqs in etcd's server/etcdserver/apply).
 */
async function skipOnePut(gateway: EtcdGateway): Promise<void> {
  const compared = base64(`${PREFIX}compared`);
  const written = { key: base64(`${PREFIX}written`), value: base64('v2') };
  try {
    await gateway.call('kv/txn', {
      compare: [{ key: compared, target: 'VALUE', result: 'EQUAL', value: base64('v1') }],
      success: [
        { request_put: written },
        { request_range: { key: compared, revision: COMPACTED_REVISION } },
      ],
    });
  } catch (error) {
    if (error instanceof GatewayError && error.code === OUT_OF_RANGE) return;
    throw error;
  }
  throw new Error(`${gateway.url}: a read of compacted revision ${COMPACTED_REVISION} succeeded`);
}

/** A write is answered by one member, and the others may still have to apply it. */
async function untilCompacted(gateway: EtcdGateway): Promise<void> {
  // Through the leader: what was committed before is applied when it answers.
  await gateway.call('kv/range', { key: base64(`${PREFIX}compared`) });
}

/** A load that compacts as well may have been quicker. */
function ignoreCompacted(error: unknown): void {
  if (!(error instanceof GatewayError && error.code === OUT_OF_RANGE)) throw error;
}
