// What several tests of the simulator need besides a client.
import type { Simulator } from '../../../simulator/cluster.ts';
import type { Replica } from '../../../simulator/replica.ts';

const POLL_MS = 5;
const LIMIT_MS = 10_000;

/** Polls until the condition holds; fails when it never does. */
export async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + LIMIT_MS;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${LIMIT_MS} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The replica at an index. */
export function replicaOf({ replicas }: Simulator, index = 0): Replica {
  const replica = replicas[index];
  if (!replica) throw new Error(`the simulator has no replica ${index}`);
  return replica;
}
