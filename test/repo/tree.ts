// The files of the checkout, read once for all rules.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT_DIRECTORY } from '../../tools/binaries.ts';

/** Texts by path from the repository's root. */
export type Tree = ReadonlyMap<string, string>;

/** Every text file that belongs to the repository. */
export function readTree(root = ROOT_DIRECTORY): Tree {
  const tree = new Map<string, string>();
  for (const path of listFiles(root, '', new Set(['.git', ...ignoredFolders(root)]))) {
    const bytes = readFileSync(join(root, path));
    // A zero byte is what no text of ours has: pictures and archives are not read.
    if (!bytes.includes(0)) tree.set(path, bytes.toString('utf8'));
  }
  return tree;
}

function listFiles(root: string, folder: string, ignored: ReadonlySet<string>): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return ignored.has(entry.name) ? [] : listFiles(root, path, ignored);
    return entry.isFile() && !entry.name.endsWith('.log') ? [path] : [];
  });
}

/** What git ignores; not git itself is asked, because an unpacked archive has none. */
function ignoredFolders(root: string): string[] {
  const lines = readFileSync(join(root, '.gitignore'), 'utf8').split('\n');
  return lines.filter((line) => line.endsWith('/')).map((line) => line.replace(/^\/|\/$/g, ''));
}
