// What Prometheus' own tool says of the files under deploy/, and of what the door exposes.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test as plainTest } from 'vitest';
import { Metrics } from '../../../proxy/observe/metrics.ts';
import { binaryPath, missingBinaries, ROOT_DIRECTORY } from '../../../tools/binaries.ts';
import { dashboardExpressions } from '../../../tools/grafana-dashboard.ts';
import { ruleExpressions } from '../../../tools/prometheus-rules.ts';
import { endpointOf, recordOf, sourcesOf } from '../../proxy/observe/support/records.ts';

const missing = missingBinaries(['promtool']);
const reason = missing.length > 0 ? ' (not run: no promtool in .tools/bin)' : '';
const test = (name: string, run: () => Promise<void>): void =>
  plainTest.skipIf(missing.length > 0)(`${name}${reason}`, run);

const RULES = 'deploy/prometheus/evenkeel.rules.yaml';

interface Result {
  readonly exitCode: number | null;
  readonly output: string;
}

async function promtool(args: readonly string[], input = ''): Promise<Result> {
  const child = spawn(binaryPath('promtool'), args, { cwd: ROOT_DIRECTORY });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { exitCode: await closed, output: out + err };
}

/** A folder for files that are not of the repository. */
async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'evenkeel-promtool-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test('the rules are rules, with all that are in the table', async () => {
  const { exitCode, output } = await promtool(['check', 'rules', RULES]);
  expect(output).toContain(`SUCCESS: ${ruleExpressions().length} rules found`);
  expect(exitCode).toBe(0);
});

test('the alerts fire when they are meant to, and only then', async () => {
  const args = ['test', 'rules', 'test/integration/deploy/evenkeel-rules.yaml'];
  const { exitCode, output } = await promtool(args);
  expect(output).toContain('SUCCESS');
  expect(exitCode).toBe(0);
});

test('every query of the dashboard can be read', async () => {
  const rules = dashboardExpressions().map(
    (expr, i) => `  - record: query:${i}\n    expr: ${JSON.stringify(expr)}\n`,
  );
  const file = join(await temporaryFolder(), 'queries.yaml');
  await writeFile(file, `groups:\n- name: dashboard\n  rules:\n${rules.join('')}`);
  const { output } = await promtool(['check', 'rules', file]);
  expect(output).toContain(`SUCCESS: ${rules.length} rules found`);
});

test('what the door exposes can be read', async () => {
  const metrics = new Metrics({ version: '1.2.3', sources: sourcesOf([endpointOf('cp-1')]) });
  for (const path of ['/api/v1/pods', '/api/v1/pods?watch=1']) {
    const record = recordOf(`GET ${path}`);
    metrics.entered(record);
    metrics.left(record, 2000);
  }
  const { exitCode, output } = await promtool(['check', 'metrics'], await metrics.text());
  // 3: names are not after its taste, as some of kube-apiserver's and of Node's are not.
  expect([0, 3], output).toContain(exitCode);
});
