// A suite and all that it reads as the files of one ConfigMap, which has no folders: each file is named
// after its place, and what names another is rewritten. k6 strips the types by itself.
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const LOADTESTS = fileURLToPath(new URL('..', import.meta.url));
/** Modules, and files that a script opens, such as a .proto. */
const NAMED = /'(\.{1,2}\/[^'\n]+\.[a-z]+)'/g;

export interface Bundle {
  /** The key of the suite itself. */
  readonly entry: string;
  readonly files: Readonly<Record<string, string>>;
}

export function bundleSuite(script: string): Bundle {
  const files: Record<string, string> = {};
  const waiting = [script];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const key = flatName(file);
    if (files[key] !== undefined) continue;
    const folder = dirname(file);
    files[key] = readFileSync(file, 'utf8').replace(NAMED, (_whole, name: string) => {
      const named = join(folder, name);
      waiting.push(named);
      return `'./${flatName(named)}'`;
    });
  }
  return { entry: flatName(script), files };
}

/** `lib/api.ts` is `lib.api.ts`: keys of a ConfigMap are of letters, digits, `-`, `_` and `.`. */
function flatName(file: string): string {
  return relative(LOADTESTS, file).replaceAll('/', '.');
}
