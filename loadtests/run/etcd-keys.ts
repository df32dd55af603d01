// Keys that etcd-direct has made, for when k6 could not remove them itself. By the JSON gateway, which
// every etcd from 3.4 on serves at its client address: no gRPC for one request.
import { CommandError } from '../../common/command.ts';

/** Also in loadtests/lib/etcd.ts, which only k6 can load. */
const PREFIX = '/evenkeel-load/';
const ANSWER_LIMIT_MS = 10_000;

/** The suite that calls etcd itself. */
export const ETCD_SUITE = 'etcd-direct';

/** Of one run, or of all; any member will do, and the first that answers does it. */
export async function removeKeys(urls: readonly string[], runId?: string): Promise<void> {
  const prefix = runId === undefined ? PREFIX : `${PREFIX}${runId}/`;
  // "0" is the character behind "/", with which every prefix ends.
  const body = { key: base64(prefix), range_end: base64(`${prefix.slice(0, -1)}0`) };
  const troubles: string[] = [];
  for (const url of urls) {
    try {
      const answer = await fetch(`${url}/v3/kv/deleterange`, {
        method: 'POST',
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      });
      if (answer.ok) return;
      troubles.push(`${url} answered ${answer.status}`);
    } catch (error) {
      troubles.push(`${url}: ${(error as Error).message}`);
    }
  }
  if (troubles.length === 0) return;
  throw new CommandError(`keys below ${prefix} may be left in etcd: ${troubles.join('; ')}`);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
