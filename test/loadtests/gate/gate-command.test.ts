import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { orderOf } from '../../../loadtests/gate/arms.ts';
import { runGateCommand } from '../../../loadtests/gate/gate-command.ts';
import { runArms } from '../../../loadtests/gate/run-arms.ts';
import { syntheticArms } from '../../../loadtests/gate/synthetic-arms.ts';
import { runReportCommand } from '../../../loadtests/report/report-command.ts';
import { textOf, withValidity, writeArms } from './support/sample-arms.ts';

const SIGNAL = new AbortController().signal;
const ARMS = syntheticArms({ seed: 1, pairs: 8 });
let directory = '';
let folders: [string, string] = ['', ''];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'evenkeel-gate-'));
  folders = await writeArms(directory, ARMS);
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function gate(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await runGateCommand(argv, SIGNAL, {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
  });
  return { code, out, err };
}

test('folders and lists of files give one verdict, as a table and as JSON', async () => {
  const table = await gate(...folders);
  expect(table).toMatchObject({ code: 0, err: '' });
  expect(table.out).toMatch(/^Pass: 6 of 6 metrics are the same or better\.\n/);
  expect(table.out).toMatch(/recover_time +4,\d{3} ms +4,\d{3} ms +\d\.\d{3} +.* SAME\n/);
  const lists = [ARMS.baseline, ARMS.candidate].map((runs, index) =>
    runs.map(({ name }) => join(folders[index] ?? '', name)).join(','),
  );
  const json = await gate(
    '--baseline',
    lists[0] ?? '',
    '--candidate',
    lists[1] ?? '',
    '-o',
    'json',
  );
  expect(JSON.parse(json.out)).toMatchObject({
    outcome: 'pass',
    exitCode: 0,
    order: 'ABBAABBAABBAABBA',
  });
});

test('the reports for CI are written beside the verdict', async () => {
  const [junit, json] = [join(directory, 'j.xml'), join(directory, 'v.json')];
  const slow = syntheticArms({ seed: 2, pairs: 8, spread: 0.01, factors: { recover_time: 2 } });
  const own = await writeArms(join(directory, 'slow'), slow);
  expect((await gate(...own, '--junit', junit, '--json', json)).code).toBe(1);
  expect(JSON.parse(await readFile(json, 'utf8')).outcome).toBe('regression');
  const xml = await readFile(junit, 'utf8');
  expect(xml).toContain('<testsuites tests="7" failures="2" errors="0" skipped="0">');
  expect(xml).toMatch(
    /<testcase classname="metric" name="recover_time"><failure message="REGRESSED: worse by more than 10 % \(medians/,
  );
});

test.each([
  [[], 'error: expected BASELINE and CANDIDATE'],
  [['a'], 'error: expected BASELINE and CANDIDATE'],
  [['a', 'b', '--tolerance', 'x'], 'error: --tolerance: expected a percentage'],
  [['a', 'b', '-o', 'xml'], 'error: -o: expected table or json, got "xml"'],
  [['a', 'b', '--nonsense'], "error: Unknown option '--nonsense'"],
  [['no-such-folder', 'b'], 'error: no-such-folder: cannot be read'],
  [['--versions', 'etcd-3.5.33,etcd-3.6.14'], 'error: --versions: which suite?'],
  [['--versions', 'a,b', '--direct-vs-door'], 'error: --versions and --direct-vs-door: give one'],
  [['a', 'b', '--pairs', '5'], 'error: --pairs: only for arms that are run'],
  [['--direct-vs-door', '--suite', 'none'], 'error: unknown suite "none"'],
])('a wrong call ends with 64, which is no verdict: %j', async (argv, message) => {
  const { code, out, err } = await gate(...argv);
  expect([code, out]).toEqual([64, '']);
  expect(err).toContain(message);
  expect(err.trimEnd()).not.toContain('\n');
});

test('a file that is no result is named with its line, and ends with 64', async () => {
  const file = join(directory, 'broken.ndjson');
  await writeFile(file, '{"type":"run","schema":1}\n{\n');
  const { code, err } = await gate(file, file);
  expect([code, err]).toEqual([64, expect.stringContaining('broken.ndjson, line 2: not JSON')]);
});

test('a run whose last line is half written has broken off, which makes the verdict invalid', async () => {
  const file = join(directory, 'half.ndjson');
  const [run] = ARMS.baseline;
  await writeFile(file, run === undefined ? '' : textOf(run.result).slice(0, -20));
  const { code, out } = await gate(file, file);
  expect([code, out]).toEqual([
    3,
    expect.stringContaining('half.ndjson: broke off before its end'),
  ]);
});

test('what cannot be written ends with 70, which is no regression', async () => {
  const { code, err } = await gate(...folders, '--json', join(directory, 'none', 'v.json'));
  expect([code, err]).toEqual([70, expect.stringContaining('ENOENT')]);
});

test('live arms run in the order A B B A and stop only at a run that does not count', async () => {
  const targets: string[] = [];
  const runs = { a: ARMS.baseline, b: ARMS.candidate };
  const plan = {
    baseline: 'a',
    candidate: 'b',
    pairs: 4,
    signal: SIGNAL,
    runArm: async (target: string, index: number): Promise<string> => {
      targets.push(target);
      const result = runs[target === 'a' ? 'a' : 'b'][index]?.result ?? ARMS.baseline[0]?.result;
      if (result === undefined) throw new Error('no run');
      const file = join(directory, `live-${targets.length}.ndjson`);
      const starved = plan.pairs === 3 && targets.length === 2;
      await writeFile(file, textOf(withValidity(result, { droppedIterations: starved ? 5 : 0 })));
      return file;
    },
  };
  expect(orderOf(await runArms(plan))).toBe('ABBAABBA');
  expect(targets.join('')).toBe('abbaabba');
  targets.length = 0;
  plan.pairs = 3;
  const arms = await runArms(plan);
  expect([arms.baseline.length, arms.candidate.length]).toEqual([1, 1]);
  const aborted = AbortSignal.abort(new Error('stopped'));
  await expect(runArms({ ...plan, signal: aborted })).rejects.toThrow('stopped');
});

test('one arm alone makes a report too', async () => {
  const file = join(directory, 'one.html');
  let said = '';
  const stdout = { write: (text: string) => (said += text) };
  expect(await runReportCommand([folders[0], '-o', file], SIGNAL, stdout)).toBe(0);
  expect(said).toBe(`written to ${file}\n`);
  const html = await readFile(file, 'utf8');
  expect(html).toContain('8 runs, valid, and every objective was met.');
  expect(html).not.toMatch(/NaN|undefined|Infinity/);
  await expect(runReportCommand([], SIGNAL)).rejects.toThrow('expected FILE...');
});
