// Node does not strip types below node_modules, so the package ships JavaScript: `npm pack` has it
// written beside the TypeScript first and removed afterwards. Development needs no build step.
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';

/** Opens what this wrote: other JavaScript, as the page's, is neither overwritten nor removed. */
const MARK = '// Written from the TypeScript of the same name at pack time.\n';
const SHIPPED = '{common,etcd-tools,proxy}/**/*.ts';
/** The ending of a relative module in `from '…'` and in `import('…')`. */
const RELATIVE_MODULE = /((?:\bfrom |\bimport\(|^import )'\.{1,2}\/[^'\n]+)\.ts'/gm;

/** The JavaScript of a module; lines stay where they are, but for the mark after any `#!`. */
export function javaScriptOf(source: string): string {
  const script = stripTypeScriptTypes(source).replace(RELATIVE_MODULE, "$1.js'");
  const start = script.startsWith('#!') ? script.indexOf('\n') + 1 : 0;
  return script.slice(0, start) + MARK + script.slice(start);
}

function writeJavaScript(root: string): void {
  for (const { from, to } of shippedFiles(root)) {
    if (existsSync(to) && !readFileSync(to, 'utf8').includes(MARK)) {
      throw new Error(`${to} was not written by packing: give ${from} another name`);
    }
    writeFileSync(to, javaScriptOf(readFileSync(from, 'utf8')));
  }
}

function removeJavaScript(root: string): void {
  for (const { to } of shippedFiles(root)) {
    if (existsSync(to) && readFileSync(to, 'utf8').includes(MARK)) rmSync(to);
  }
}

function shippedFiles(root: string): { from: string; to: string }[] {
  return globSync(SHIPPED, { cwd: root }).map((name) => {
    const from = join(root, name);
    return { from, to: from.replace(/\.ts$/, '.js') };
  });
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  if (process.argv[2] === 'remove') removeJavaScript(root);
  else writeJavaScript(root);
}
