// The suites as files: which there are, and the fingerprint by which two runs are of the same one.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandError } from '../../common/command.ts';

const SUITES = fileURLToPath(new URL('../suites/', import.meta.url));
/** What the swarm is told beside it. */
const SWARM_PLANS = fileURLToPath(new URL('./swarm-plans.ts', import.meta.url));
const LIBRARY = fileURLToPath(new URL('../lib/', import.meta.url));

export function suiteNames(): string[] {
  return readdirSync(SUITES)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();
}

/** The script of a suite; a CommandError for one that does not exist. */
export function suiteScript(name: string): string {
  const names = suiteNames();
  if (!names.includes(name)) {
    throw new CommandError(`unknown suite "${name}": expected one of ${names.join(', ')}`);
  }
  return join(SUITES, `${name}.ts`);
}

/** SHA-256 over the suite, the suites that it is made of, and everything that suites may import. */
export function suiteHash(script: string): string {
  const files = readdirSync(LIBRARY)
    .sort()
    .map((file) => join(LIBRARY, file));
  const hash = createHash('sha256');
  for (const file of [script, ...suitesIn(script), ...files, SWARM_PLANS]) {
    hash.update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

/** Other suites lie beside it. They are imported by one that mixes them, never by one another. */
function suitesIn(script: string): string[] {
  const imports = readFileSync(script, 'utf8').matchAll(/ from '\.\/([a-z-]+\.ts)'/g);
  return [...imports].map(([, file = '']) => join(SUITES, file)).sort();
}
