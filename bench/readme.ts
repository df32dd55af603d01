// Keeps the tables of bench/README.md equal to bench/results: what is between the marks is written
// by `npm run bench -- NAME --write`, the rest by people.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT_DIRECTORY } from '../tools/binaries.ts';
import type { MachineDescription } from '../tools/machine.ts';
import type { SelfTime } from './profile/self-time.ts';
import { type Table, tablesOf } from './wire/report.ts';
import type { WireFigures } from './wire/result.ts';

type Stored<Figures> = Figures & MachineDescription & { readonly quick: boolean };

interface ProfileFigures {
  readonly load: string;
  readonly functions: readonly SelfTime[];
  readonly modules: readonly SelfTime[];
}

const FILE = 'bench/README.md';
const PROFILE_ROWS = 20;

/** Returns the name of the file. What has no result yet stays as it is. */
export async function writeReadme(): Promise<string> {
  const path = join(ROOT_DIRECTORY, FILE);
  const before = await readFile(path, 'utf8');
  const wire = await readResult<Stored<WireFigures>>('wire');
  const profile = await readResult<Stored<ProfileFigures>>('profile');
  let text = before;
  if (wire !== undefined) text = replaceBlock(text, 'wire', wireBlock(wire));
  if (profile !== undefined) text = replaceBlock(text, 'profile', profileBlock(profile));
  if (text !== before) await writeFile(path, text);
  return FILE;
}

async function readResult<Result>(name: string): Promise<Result | undefined> {
  try {
    return JSON.parse(await readFile(join(ROOT_DIRECTORY, `bench/results/${name}.json`), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Puts `lines` between the marks `<!-- NAME begin -->` and `<!-- NAME end -->`. */
export function replaceBlock(text: string, name: string, lines: readonly string[]): string {
  const begin = `<!-- ${name} begin -->`;
  const end = `<!-- ${name} end -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${FILE}: the marks ${begin} and ${end} are missing`);
  return [text.slice(0, from + begin.length), '', ...lines, '', text.slice(to)].join('\n');
}

export function wireBlock(stored: Stored<WireFigures>): string[] {
  const { seconds, rounds, client, peers, notRun } = stored;
  const versions = Object.entries(peers).map(([name, version]) => `${name} ${version}`);
  return [
    ...machineLines(stored),
    `Peers: ${versions.join(', ')}. Client: ${client}. ${rounds} rounds, samples of ${seconds} s.`,
    ...tablesOf(stored).flatMap((table) => ['', `### ${table.title}`, '', ...markdownOf(table)]),
    ...(notRun.length === 0 ? [] : ['', 'Not run:', '']),
    ...notRun.map(({ name, reason }) => `- *not run*: ${name}: ${reason}`),
  ];
}

export function profileBlock(stored: Stored<ProfileFigures>): string[] {
  const { load, functions, modules } = stored;
  const tableOf = (title: string, times: readonly SelfTime[]): Table => ({
    title,
    columns: [{ title }, { title: 'self %', align: 'right' }],
    rows: times
      .slice(0, PROFILE_ROWS)
      .map(({ name, percent }) => [`\`${name}\``, percent.toFixed(1)]),
  });
  return [
    ...machineLines(stored),
    `Load: ${load}.`,
    '',
    ...markdownOf(tableOf('module', modules)),
    '',
    ...markdownOf(tableOf('function', functions)),
  ];
}

function machineLines({ commit, date, cores, processor, kernel, versions, quick }: Stored<object>) {
  const programs = `Node ${versions.node}, Go ${versions.go}`;
  const where = `${cores} cores (${processor}), Linux ${kernel}, ${programs}`;
  const warning = quick ? ['**A quick run: its figures mean little.**', ''] : [];
  return [...warning, `Commit ${commit}, ${date.slice(0, 10)}, ${where}.`];
}

function markdownOf({ columns, rows }: Table): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ title }) => title)),
    line(columns.map(({ align }) => (align === 'right' ? '---:' : '---'))),
    ...rows.map(line),
  ];
}
