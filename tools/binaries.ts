// Where the built programs lie, for everything that starts them.
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const ROOT_DIRECTORY = fileURLToPath(new URL('..', import.meta.url));

/** Everything that `npm run tools` writes is under here; git ignores it. */
export const TOOLS_DIRECTORY = join(ROOT_DIRECTORY, '.tools');

/** Path of a built program, whether or not it exists. */
export function binaryPath(name: string): string {
  return join(TOOLS_DIRECTORY, 'bin', name);
}

/** Those of `names` that are not built. Tests that need them are reported as not run. */
export function missingBinaries(names: readonly string[]): string[] {
  return names.filter((name) => !executable(binaryPath(name)));
}

/** Throws, with what to do, unless all of `names` are built. */
export function requireBinaries(names: readonly string[]): void {
  const missing = missingBinaries(names);
  if (missing.length > 0) {
    throw new Error(`not built in .tools/bin: ${missing.join(', ')}. Run: npm run tools`);
  }
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
