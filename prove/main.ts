// `npm run prove`: acceptance scenarios on real components, each with a floor that it must reach.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandError, runCommand } from '../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../common/exit-code.ts';
import { ROOT_DIRECTORY } from '../tools/binaries.ts';
import { Cleanup } from '../tools/cleanup.ts';
import { describeMachine, type MachineDescription } from '../tools/machine.ts';
import { formatTable } from '../tools/text-table.ts';
import { isProven, type Row } from './row.ts';
import type { Scenario, ScenarioOptions } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';

const HELP = `Runs an acceptance scenario on real components and prints one table.

  npm run prove            lists the scenarios
  npm run prove -- NAME    runs one; its table is also written to .prove/NAME.json

Some scenarios (etcd) take options:
  --part NAME      only this part of it, written to .prove/NAME.PART.json; a wrong one lists them
  --quick          with less patience, to see whether all of it works
  --seed N         repeats what was left to chance
  --minutes N      how long random faults go on

Exit codes: 0 proven; 1 short of a floor, or not run in part; 2 called wrongly.
`;

const COLUMNS = ['what', 'floor', 'figure', 'verdict'].map((title) => ({ title }));

interface Arguments {
  readonly help: boolean;
  readonly name: string | undefined;
  readonly options: ScenarioOptions;
}

function parseArguments(argv: readonly string[]): Arguments {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        part: { type: 'string' },
        quick: { type: 'boolean' },
        seed: { type: 'string' },
        minutes: { type: 'string' },
      },
    });
    if (positionals.length > 1) throw new Error(`one scenario at a time, got ${positionals}`);
    const { help = false, part, quick, seed, minutes } = values;
    const options = {
      ...(part !== undefined && { part }),
      ...(quick !== undefined && { quick }),
      ...(seed !== undefined && { seed: parseCount('seed', seed) }),
      ...(minutes !== undefined && { minutes: parseCount('minutes', minutes) }),
    };
    return { help, name: positionals[0], options };
  } catch (cause) {
    throw new CommandError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function parseCount(flag: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new Error(`--${flag}: expected a number, got "${text}"`);
}

function refuseOptions({ name, takes = [] }: Scenario, options: ScenarioOptions): void {
  const taken: readonly string[] = takes;
  const wrong = Object.keys(options).find((option) => !taken.includes(option));
  if (wrong !== undefined) throw new CommandError(`${name} takes no --${wrong}`);
}

function findScenario(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  const names = SCENARIOS.map((scenario) => scenario.name).join(', ');
  throw new CommandError(`no scenario "${name}"; there are: ${names}`);
}

/** Resolves with the rows, or undefined when it was stopped. Nothing that it started is left. */
async function runScenario(
  scenario: Scenario,
  options: ScenarioOptions,
  signal: AbortSignal,
): Promise<readonly Row[] | undefined> {
  const directory = await mkdtemp(join(tmpdir(), `evenkeel-prove-${scenario.name}-`));
  const cleanup = new Cleanup(signal);
  const startedAt = performance.now();
  const say = (line: string): void => {
    const seconds = `${Math.round((performance.now() - startedAt) / 1000)} s`;
    process.stdout.write(`${seconds.padStart(6)}  ${line}\n`);
  };
  try {
    const onEnd = (end: () => Promise<void>): Promise<void> => cleanup.add(end);
    return await scenario.run({ directory, signal, say, onEnd, options });
  } catch (error) {
    // The ends that Ctrl-C has brought about look like failures from inside.
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    await cleanup.run();
    await rm(directory, { recursive: true, force: true });
  }
}

async function writeResult(
  { name, title }: Scenario,
  { part }: ScenarioOptions,
  machine: MachineDescription,
  rows: readonly Row[],
): Promise<string> {
  const file = part === undefined ? `${name}.json` : `${name}.${part}.json`;
  const folder = join(ROOT_DIRECTORY, '.prove');
  await mkdir(folder, { recursive: true });
  const result = { scenario: name, title, proven: isProven(rows), ...machine, rows };
  await writeFile(join(folder, file), `${JSON.stringify(result, undefined, 2)}\n`);
  return `.prove/${file}`;
}

function printLines(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function main(argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  const { help, name, options } = parseArguments(argv);
  if (help) {
    process.stdout.write(HELP);
    return EXIT_CODE.ok;
  }
  if (name === undefined) {
    printLines(formatTable([{ title: 'scenario' }, { title: 'what it shows' }], titles()));
    return EXIT_CODE.ok;
  }
  const scenario = findScenario(name);
  refuseOptions(scenario, options);
  const machine = await describeMachine();
  printLines([`${scenario.name}: ${scenario.title}`]);
  const rows = await runScenario(scenario, options, signal);
  if (rows === undefined || signal.aborted) {
    printLines([`stopped by ${signal.reason}; nothing was written`]);
    return EXIT_CODE.failure;
  }
  const cells = rows.map(({ what, floor, figure, verdict }) => [what, floor, figure, verdict]);
  const path = await writeResult(scenario, options, machine, rows);
  const proven = isProven(rows);
  const end = `${proven ? 'proven' : 'NOT proven'} at commit ${machine.commit}, written to ${path}`;
  printLines(['', ...formatTable(COLUMNS, cells), '', end]);
  return proven ? EXIT_CODE.ok : EXIT_CODE.failure;
}

function titles(): string[][] {
  return SCENARIOS.map((scenario) => [scenario.name, scenario.title]);
}

await runCommand(main);
