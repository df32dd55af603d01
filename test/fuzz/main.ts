// `npm run fuzz`: the laws of the wire for as long as one likes, each with new input all the time.
// Under test/ and not beside it: it needs the engine and what the tests have, and ships with neither.
import { parseArgs } from 'node:util';
import { check, type RunDetails } from 'fast-check';
import { CommandError, runCommand } from '../../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../../common/exit-code.ts';
import { addToCorpus, readCorpus } from './corpus.ts';
import { type Role, runConnection } from './hardened-connection.ts';
import type { Law } from './law.ts';
import { wireLaws } from './laws.ts';

const HELP = `Looks for input on which the HTTP/2 engine breaks one of its laws.

  npm run fuzz -- [--minutes 1] [--law NAME] [--no-keep]
  npm run fuzz -- --law NAME --seed N --path P     replays a finding

Inputs that lead somewhere new are kept under test/corpus unless --no-keep is given.
Exit codes: 0 nothing found; 1 a finding; 2 called wrongly.
`;

/** Between two looks at the clock. */
const RUNS_AT_ONCE = 200;
/** The corpus is in the repository: few files, small ones. */
const MAX_KEPT_FILES = 60;
const MAX_KEPT_BYTES = 1024;

interface Options {
  readonly minutes: number;
  readonly laws: (name: string) => boolean;
  readonly keep: boolean;
  readonly replay: { readonly seed: number; readonly path?: string } | undefined;
}

function parseOptions(argv: readonly string[]): Options | undefined {
  const { values } = parse(argv);
  if (values.help) return undefined;
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new CommandError(`--minutes: expected a number, got ${values.minutes}`);
  const { law, seed, path } = values;
  const names = wireLaws().map(({ name }) => name);
  if (law !== undefined && !names.includes(law)) {
    throw new CommandError(`no law "${law}"; there are: ${names.join(', ')}`);
  }
  if (seed !== undefined && law === undefined) throw new CommandError('--seed needs --law');
  const replay =
    seed === undefined
      ? undefined
      : { seed: Number(seed), ...(path === undefined ? {} : { path }) };
  return { minutes, laws: (name) => law === undefined || law === name, keep: values.keep, replay };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowNegative: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        minutes: { type: 'string', default: '1' },
        law: { type: 'string' },
        seed: { type: 'string' },
        path: { type: 'string' },
        keep: { type: 'boolean', default: true },
      },
    });
  } catch (cause) {
    throw new CommandError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** Keeps one input for each new way through the engine. */
class Keeper {
  kept = 0;
  readonly signatures = new Set<string>();
  readonly #files = { server: 0, client: 0 };
  readonly #write: boolean;

  constructor(write: boolean) {
    this.#write = write;
  }

  /** What the corpus leads to already is not new. */
  async begin(): Promise<void> {
    for (const role of ['server', 'client'] as const) {
      for (const { bytes } of readCorpus(role)) {
        this.#files[role] += 1;
        // One that breaks a law is for the laws to find.
        const outcome = await runConnection(role, [bytes]).catch(() => undefined);
        if (outcome !== undefined) this.signatures.add(`${role} ${outcome.signature}`);
      }
    }
  }

  add(role: Role, input: Buffer, signature: string): void {
    const key = `${role} ${signature}`;
    if (this.signatures.has(key)) return;
    this.signatures.add(key);
    if (!this.#write || input.length > MAX_KEPT_BYTES) return;
    if (this.#files[role] >= MAX_KEPT_FILES) return;
    addToCorpus(role, input);
    this.#files[role] += 1;
    this.kept += 1;
  }
}

async function runLaw(law: Law, options: Options): Promise<RunDetails<unknown>> {
  // After a replay the rest of its run is of no interest.
  const { replay } = options;
  const run = replay === undefined ? { numRuns: RUNS_AT_ONCE } : { ...replay, endOnFailure: true };
  return await check(law.property(), run);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function describeFinding({ name, title }: Law, details: RunDetails<unknown>): string {
  const { seed, counterexamplePath, counterexample, errorInstance } = details;
  const reason = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  return [
    `FOUND  ${name}: ${title}`,
    `  ${reason.replaceAll('\n', '\n  ')}`,
    `  input: ${JSON.stringify(counterexample)}`,
    `  again: npm run fuzz -- --law ${name} --seed ${seed} --path ${counterexamplePath}`,
  ].join('\n');
}

async function main(argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  const options = parseOptions(argv);
  if (options === undefined) {
    process.stdout.write(HELP);
    return EXIT_CODE.ok;
  }
  const keeper = new Keeper(options.keep);
  await keeper.begin();
  const laws = wireLaws((role, input, signature) => keeper.add(role, input, signature));
  const chosen = laws.filter(({ name }) => options.laws(name));
  const executions = new Map(chosen.map(({ name }) => [name, 0]));
  const broken = new Set<string>();
  const endMs = performance.now() + options.minutes * 60_000;
  do {
    for (const law of chosen.filter(({ name }) => !broken.has(name))) {
      if (signal.aborted) break;
      const details = await runLaw(law, options);
      executions.set(law.name, (executions.get(law.name) ?? 0) + details.numRuns);
      if (!details.failed) continue;
      // One finding a law: the next ones would be the same again.
      broken.add(law.name);
      print(describeFinding(law, details));
    }
  } while (options.replay === undefined && performance.now() < endMs && !signal.aborted);
  for (const [name, count] of executions) print(`${String(count).padStart(9)}  ${name}`);
  const sum = [...executions.values()].reduce((total, count) => total + count, 0);
  print(
    `${sum} executions, ${broken.size} findings, ${keeper.signatures.size} ways through the engine, ` +
      `${keeper.kept} inputs kept`,
  );
  return broken.size === 0 ? EXIT_CODE.ok : EXIT_CODE.failure;
}

await runCommand(main);
