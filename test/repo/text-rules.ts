// Rules that hold for the text and the name of every file.
import type { Tree } from './tree.ts';

const MAX_LINES = 300;
const SOURCE = /\.(ts|go|sh|js|mjs)$/;
const DRAWER = /(^|\/)(utils?|helpers?|misc|manager|index)\.[a-z]+$/;
// In two pieces, so that this file does not find itself.
const PROMISE = new RegExp(`\\b(${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')})\\b`);
// A function of Go's standard library, which the tests of Kubernetes call.
const GO_CONTEXT = `context.${['TO', 'DO'].join('')}()`;
const MACHINE_PATH = /(^|[\s"'`(=:,])\/(work|root|home|Users|tmp)\/\w/;
const REGISTRY = new RegExp(
  ['registry', 'npmjs|proxy', 'golang|sum', 'golang|registry', 'yarnpkg'].join('\\.'),
);
const COMMENT_LINE = /^\s*(\/\/|\/?\*)/;

/** Files named for nothing, which is where everything ends up. */
export function findDrawers(tree: Tree): string[] {
  return [...tree.keys()].filter((file) => DRAWER.test(file));
}

/** Sources that are too long to be about one thing. */
export function findLongFiles(tree: Tree): string[] {
  return [...tree]
    .filter(([file]) => SOURCE.test(file))
    .map(([file, text]) => ({ file, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > MAX_LINES)
    .map(({ file, lines }) => `${file}: ${lines} lines`);
}

/** Work that is promised in a comment instead of an issue. */
export function findPromises(tree: Tree): string[] {
  return findLines(tree, (line) => PROMISE.test(line.replaceAll(GO_CONTEXT, '')));
}

/** What holds on the machine of one person only. */
export function findMachineTraces(tree: Tree): string[] {
  const traces = findLines(tree, (line) => MACHINE_PATH.test(line) || REGISTRY.test(line));
  const lock = tree.get('package-lock.json') ?? '';
  return lock.includes('"resolved"') ? [...traces, 'package-lock.json: "resolved"'] : traces;
}

/**
 * Flags and files configure, and only common/command.ts ends a program. k6 alone has no flags, so
 * its scenarios read the environment in one file.
 */
export function findProcessAccess(tree: Tree): string[] {
  const found = (pattern: RegExp, allowed: string): string[] =>
    findLines(tree, (line, file) => {
      if (!SOURCE.test(file) || file.endsWith('.go') || file === allowed) return false;
      return !COMMENT_LINE.test(line) && pattern.test(line);
    });
  return [
    ...found(/\bprocess\.env\b|\b__ENV\b/, 'loadtests/lib/target.ts'),
    ...found(/\bprocess\.(exit|abort|reallyExit)\(/, ''),
    ...found(/\bprocess\.exitCode\s*=[^=]/, 'common/command.ts'),
  ];
}

/** `file:line: text` of each line that `matches`. The rules' own samples are left out. */
function findLines(tree: Tree, matches: (line: string, file: string) => boolean): string[] {
  return [...tree]
    .filter(([file]) => file !== 'test/repo/rules.test.ts')
    .flatMap(([file, text]) =>
      text
        .split('\n')
        .map((line, index) => ({ line, where: `${file}:${index + 1}` }))
        .filter(({ line }) => matches(line, file))
        .map(({ line, where }) => `${where}: ${line.trim()}`),
    );
}
