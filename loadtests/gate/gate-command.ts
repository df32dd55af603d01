// `evenkeel-load gate`: two arms of runs in, saved ones or fresh ones, a verdict and its reports out.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { CommandError } from '../../common/command.ts';
import { EXIT_CODE } from '../../common/exit-code.ts';
import { LOCAL_HELP } from '../local/local-arguments.ts';
import { formatComparison } from '../report/comparison-page.ts';
import { formatJunit } from '../report/junit.ts';
import type { Terminal } from '../run/progress.ts';
import { LOAD_HELP } from '../run/run-arguments.ts';
import { type Arms, readRuns } from './arms.ts';
import { LIVE_FLAGS, type LiveArguments, parseLive, runLive } from './live-arms.ts';
import { REMOTE_FLOOR_MS } from './metric-verdict.ts';
import {
  DEFAULT_LIMITS,
  GATE_EXIT_CODE,
  type GateLimits,
  type GateVerdict,
  judge,
} from './verdict.ts';
import { formatVerdict } from './verdict-table.ts';

// Which versions they have, the arms say.
const LIVE_LOCAL_HELP = LOCAL_HELP.split('\n')
  .filter((line) => !line.includes('--with'))
  .join('\n');

export const GATE_HELP = `Says whether the candidate is worse than the baseline.

  evenkeel-load gate BASELINE CANDIDATE            two folders of results, or two files
  evenkeel-load gate --baseline A1,A2,A3,A4 --candidate B1,B2,B3,B4
  evenkeel-load gate --suite NAME --versions etcd-3.5.33,etcd-3.6.14
  evenkeel-load gate --suite NAME --direct-vs-door
  evenkeel-load gate --suite NAME --kubeconfigs A,B

  -o table|json      what is printed (table)
  --report FILE      one HTML file for people
  --junit FILE       for CI
  --json FILE        what -o json prints
  --tolerance N      percent by which a metric may be worse (10; half of it for throughput and CPU)
  --remote           a network lies between: latencies that are apart by 50 ms are one (5 ms)
  --min-share N      percent of the metrics that must be the same or better (90)

Of arms that are run here, alternating; local ones each time on an empty store:
  --suite NAME            what is run
  --pairs N               runs in each arm (8)
  --keep FOLDER           where their results stay
${LOAD_HELP}
${LIVE_LOCAL_HELP}
  --i-own-this-cluster    needed for clusters that are not on this machine

Example: evenkeel-load gate results/1.34 results/1.35 --report upgrade.html

Exit codes: 0 pass; 1 regression; 2 an objective was missed; 3 the runs do not count;
4 inconclusive, more runs are needed; 64 called wrongly; 70 could not do its work.
`;

export interface CommandOutput {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: Terminal;
}

interface GateArguments {
  readonly from: LiveArguments | { readonly saved: readonly (readonly string[])[] };
  readonly limits: GateLimits;
  readonly output: 'table' | 'json';
  readonly files: { readonly report?: string; readonly junit?: string; readonly json?: string };
}

/**
 * Resolves with one of GATE_EXIT_CODE and never throws: 1 and 2 have meanings of their own here,
 * which an error that went further up would take.
 */
export async function runGateCommand(
  argv: readonly string[],
  signal: AbortSignal,
  output: CommandOutput = process,
): Promise<number> {
  try {
    const parsed = parseGate(argv);
    if (parsed === 'help') {
      output.stdout.write(GATE_HELP);
      return GATE_EXIT_CODE.pass;
    }
    signal.throwIfAborted();
    const arms = await gatherArms(parsed, signal, output.stderr);
    const verdict = judge(arms, parsed.limits);
    const json = `${JSON.stringify(verdict, undefined, 2)}\n`;
    await writeReports(parsed.files, arms, verdict, json);
    output.stdout.write(parsed.output === 'json' ? json : formatVerdict(verdict));
    return verdict.exitCode;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    output.stderr.write(`error: ${message.replace(/\s*\n\s*/g, ' ')}\n`);
    const calledWrongly = error instanceof CommandError && error.exitCode === EXIT_CODE.usage;
    return calledWrongly ? GATE_EXIT_CODE.usage : GATE_EXIT_CODE.failure;
  }
}

async function gatherArms(
  { from }: GateArguments,
  signal: AbortSignal,
  stderr: Terminal,
): Promise<Arms> {
  if (!('saved' in from)) return await runLive(from, signal, stderr);
  const [baseline = [], candidate = []] = from.saved;
  return { baseline: await readRuns(baseline), candidate: await readRuns(candidate) };
}

async function writeReports(
  files: GateArguments['files'],
  arms: Arms,
  verdict: GateVerdict,
  json: string,
): Promise<void> {
  const wanted: [string | undefined, () => string][] = [
    [files.report, () => formatComparison(arms, verdict)],
    [files.junit, () => formatJunit(verdict)],
    [files.json, () => json],
  ];
  for (const [file, format] of wanted) {
    if (file !== undefined) await writeFile(file, format());
  }
}

function parseGate(argv: readonly string[]): GateArguments | 'help' {
  const { values, positionals } = parseFlags(argv);
  if (values.help === true) return 'help';
  const output = values.output ?? 'table';
  if (output !== 'table' && output !== 'json') {
    throw new CommandError(`-o: expected table or json, got "${output}"`);
  }
  const { report, junit, json } = values;
  const tolerance = parsePercent('tolerance', values.tolerance);
  const minShare = parsePercent('min-share', values['min-share']);
  const limits: GateLimits = {
    ...DEFAULT_LIMITS,
    ...(tolerance !== undefined && { tolerance, tightTolerance: tolerance / 2 }),
    ...(minShare !== undefined && { minShare }),
    ...(values.remote === true && { latencyFloorMs: REMOTE_FLOOR_MS }),
  };
  const live = parseLive(values);
  const { baseline, candidate } = values;
  if (live !== undefined && [...positionals, baseline ?? candidate ?? []].flat().length > 0) {
    throw new CommandError('arms are either run or read from results: give one of both');
  }
  const from = live ?? { saved: namedArms(values, positionals) };
  const files = {
    ...(report !== undefined && { report }),
    ...(junit !== undefined && { junit }),
    ...(json !== undefined && { json }),
  };
  return { from, limits, output, files };
}

function parseFlags(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...LIVE_FLAGS,
        help: { type: 'boolean', short: 'h' },
        baseline: { type: 'string' },
        candidate: { type: 'string' },
        output: { type: 'string', short: 'o' },
        report: { type: 'string' },
        junit: { type: 'string' },
        json: { type: 'string' },
        tolerance: { type: 'string' },
        'min-share': { type: 'string' },
        remote: { type: 'boolean' },
      },
    });
  } catch (cause) {
    throw new CommandError((cause as Error).message, { cause });
  }
}

function namedArms(
  { baseline, candidate }: { baseline?: string | undefined; candidate?: string | undefined },
  positionals: readonly string[],
): [readonly string[], readonly string[]] {
  if (baseline !== undefined && candidate !== undefined && positionals.length === 0) {
    const split = (list: string): string[] => list.split(',').filter((path) => path !== '');
    const arms: [string[], string[]] = [split(baseline), split(candidate)];
    if (arms.every((arm) => arm.length > 0)) return arms;
  }
  const [first, second] = positionals;
  const alone = baseline === undefined && candidate === undefined && positionals.length === 2;
  if (alone && first !== undefined && second !== undefined) return [[first], [second]];
  throw new CommandError(
    'expected BASELINE and CANDIDATE, or --baseline A1,A2 and --candidate B1,B2 (see --help)',
  );
}

function parsePercent(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const percent = Number(text);
  if (text.trim() !== '' && percent > 0 && percent <= 100) return percent / 100;
  throw new CommandError(`--${flag}: expected a percentage above 0 and up to 100, got "${text}"`);
}
