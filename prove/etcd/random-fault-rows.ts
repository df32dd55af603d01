// Schedules of random faults, one cluster after the other, as rows.
import { holds, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';
import { planFaults } from './fault-schedule.ts';
import { type FaultRun, runFaults } from './random-faults.ts';
import { withCluster } from './site.ts';

const MEMBERS = 3;
const SCHEDULE_MS = 60_000;
const SHOWN_PROBLEMS = 3;

/** A minute each, from `seed` on, one more each time. */
export async function measureRandomFaults(
  context: ScenarioContext,
  { seed, minutes }: { readonly seed: number; readonly minutes: number },
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let minute = 0; minute < minutes; minute += 1) {
    context.say(`random faults, seed ${seed + minute}`);
    rows.push(await faultRow(context, seed + minute));
  }
  return rows;
}

async function faultRow(context: ScenarioContext, seed: number): Promise<Row> {
  const schedule = planFaults(seed, SCHEDULE_MS, MEMBERS);
  const { version, faults } = schedule;
  const run = await withCluster(context, { version, size: MEMBERS, relayPeers: true }, (cluster) =>
    runFaults(cluster, schedule, context),
  );
  return holds(
    `seed ${seed}: ${faults.length} random faults on ${version}`,
    'nothing false, lost or missed',
    describeRun(run),
    run.problems.length === 0,
  );
}

/** For a row, and for the failure of a test. */
export function describeRun({ rounds, acknowledged, problems }: FaultRun): string {
  const of = `${rounds.length} rounds, ${acknowledged} puts`;
  if (problems.length === 0) return `nothing; ${of}`;
  return `${problems.length} problems: ${problems.slice(0, SHOWN_PROBLEMS).join('; ')}; ${of}`;
}
