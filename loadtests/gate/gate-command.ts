// `evenkeel-load gate`: two arms of saved results in, a verdict and its reports out.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { CommandError } from '../../common/command.ts';
import { formatComparison } from '../report/comparison-page.ts';
import { formatJunit } from '../report/junit.ts';
import { type Arms, readRuns } from './arms.ts';
import { REMOTE_FLOOR_MS } from './metric-verdict.ts';
import {
  DEFAULT_LIMITS,
  GATE_EXIT_CODE,
  type GateLimits,
  type GateVerdict,
  judge,
} from './verdict.ts';
import { formatVerdict } from './verdict-table.ts';

export const GATE_HELP = `Says whether the candidate is worse than the baseline.

  evenkeel-load gate BASELINE CANDIDATE            two folders of results, or two files
  evenkeel-load gate --baseline A1,A2,A3,A4 --candidate B1,B2,B3,B4

  -o table|json      what is printed (table)
  --report FILE      one HTML file for people
  --junit FILE       for CI
  --json FILE        what -o json prints
  --tolerance N      percent by which a metric may be worse (10; half of it for throughput and CPU)
  --remote           a network lies between: latencies that are apart by 50 ms are one (5 ms)
  --min-share N      percent of the metrics that must be the same or better (90)

Example: evenkeel-load gate results/1.34 results/1.35 --report upgrade.html

Exit codes: 0 pass; 1 regression; 2 an objective was missed; 3 the runs do not count;
4 inconclusive, more runs are needed; 64 called wrongly; 70 could not do its work.
`;

export interface CommandOutput {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

interface GateArguments {
  readonly arms: Arms;
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
    const parsed = await parseGate(argv);
    if (parsed === 'help') {
      output.stdout.write(GATE_HELP);
      return GATE_EXIT_CODE.pass;
    }
    signal.throwIfAborted();
    const verdict = judge(parsed.arms, parsed.limits);
    const json = `${JSON.stringify(verdict, undefined, 2)}\n`;
    await writeReports(parsed, verdict, json);
    output.stdout.write(parsed.output === 'json' ? json : formatVerdict(verdict));
    return verdict.exitCode;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    output.stderr.write(`error: ${message.replace(/\s*\n\s*/g, ' ')}\n`);
    return error instanceof CommandError ? GATE_EXIT_CODE.usage : GATE_EXIT_CODE.failure;
  }
}

async function writeReports(
  { arms, files }: GateArguments,
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

async function parseGate(argv: readonly string[]): Promise<GateArguments | 'help'> {
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
  const [baseline, candidate] = namedArms(values, positionals);
  const arms = { baseline: await readRuns(baseline), candidate: await readRuns(candidate) };
  const files = {
    ...(report !== undefined && { report }),
    ...(junit !== undefined && { junit }),
    ...(json !== undefined && { json }),
  };
  return { arms, limits, output, files };
}

function parseFlags(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
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
