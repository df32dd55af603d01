// Documents name commands and tests; these rules find the names that are not there.
import type { Tree } from './tree.ts';

/** Documents whose commands are tried: what people read first. */
const READ_FIRST: readonly string[] = ['README.md', 'CONTRIBUTING.md'];
// Built into npm, so that no script needs to exist.
const NPM_COMMANDS: readonly string[] = ['ci', 'install', 'pack'];

/** Commands in README and CONTRIBUTING that package.json, prove/ or bench/ do not have. */
export function findMissingCommands(tree: Tree): string[] {
  return READ_FIRST.flatMap((document) => {
    const text = codeOf(tree.get(document) ?? '');
    return [
      ...missingScripts(text, tree),
      ...missingScenarios(text, tree),
      ...missingProjects(text, tree),
    ].map((command) => `${document}: ${command}`);
  });
}

/** The code of a Markdown text: blocks and spans. Its prose may say "npm" without a command. */
function codeOf(text: string): string {
  return [...text.matchAll(/```[\s\S]*?```|`[^`\n]+`/g)].map(([code]) => code).join('\n');
}

function missingScripts(text: string, tree: Tree): string[] {
  const scripts = JSON.parse(tree.get('package.json') ?? '{}').scripts ?? {};
  return [...text.matchAll(/\bnpm (run )?([a-z][\w:-]*)/g)]
    .filter(([, run, name = '']) => {
      return !(name in scripts || (run === undefined && NPM_COMMANDS.includes(name)));
    })
    .map(([command]) => command);
}

function missingScenarios(text: string, tree: Tree): string[] {
  return [...text.matchAll(/\bnpm run (prove|bench) -- ([a-z][\w-]*)/g)].flatMap(
    ([command, kind, name]) => {
      const file = kind === 'prove' ? `prove/scenarios/${name}.ts` : `bench/${name}.ts`;
      return tree.has(file) ? [] : [`${command} (no ${file})`];
    },
  );
}

function missingProjects(text: string, tree: Tree): string[] {
  const projects = tree.get('vitest.config.ts') ?? '';
  return [...text.matchAll(/\bvitest run --project[ =]([\w-]+)/g)]
    .filter(([, project]) => !projects.includes(`name: '${project}'`))
    .map(([command]) => command);
}

/** Rows of the table of failure modes that name no test, or one that does not exist. */
export function findUntestedFailureModes(tree: Tree): string[] {
  const document = 'docs/failure-modes.md';
  return tableRows(tree.get(document) ?? '').flatMap((row) => {
    const tests = [...row.matchAll(/\btest\/[\w./-]+\.test\.ts/g)].map(([path]) => path);
    if (tests.length === 0) return [`${document}: no test in: ${row}`];
    return tests
      .filter((path) => !tree.has(path))
      .map((path) => `${document}: ${path} does not exist`);
  });
}

/** The rows of all tables of a Markdown text, without titles and rules. */
function tableRows(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line, index) => {
    const isRule = /^\|[\s:|-]+\|$/.test(line);
    const isTitle = /^\|[\s:|-]+\|$/.test(lines[index + 1] ?? '');
    return line.startsWith('|') && !isRule && !isTitle;
  });
}
