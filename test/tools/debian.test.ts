import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { missingBinaries } from '../../tools/binaries.ts';
import { fetchDebianProgram } from '../../tools/debian.ts';
import type { ProgramResult, ProgramSpec } from '../../tools/run-program.ts';

const program = { name: 'no-such-1.2.3', package: 'such', version: '1.2.3', path: 'usr/bin/such' };
const { signal } = new AbortController();

/** A system whose apt has `version` of the package, and none when it is undefined. */
function system(version: string | undefined): (spec: ProgramSpec) => Promise<ProgramResult> {
  return async ({ command, args, directory = '' }) => {
    if (command === 'apt-get' && version !== undefined) {
      await writeFile(join(directory, 'such.deb'), '');
      return { exitCode: 0, lines: [] };
    }
    if (args[0] === '--field') return { exitCode: 0, lines: [version ?? ''] };
    return { exitCode: 100, lines: ['E: it says no'] };
  };
}

test.each([
  [undefined, 'apt-get download such: E: it says no'],
  ['1.2.4-1', "this system's such is 1.2.4-1, not 1.2.3"],
  ['1.2.30-1', "this system's such is 1.2.30-1, not 1.2.3"],
  ['1.2.3-4+b4', 'dpkg-deb --extract such.deb: E: it says no'],
])('a system that has %s of a package says why it is not available', async (version, why) => {
  const outcome = await fetchDebianProgram(program, signal, system(version));
  expect(outcome).toEqual({ kind: 'unavailable', why });
  expect(missingBinaries([program.name])).toEqual([program.name]);
});

test('any version of a package will do for a program that names none', async () => {
  const { version: _, ...any } = program;
  const outcome = await fetchDebianProgram(any, signal, system('9.9-1'));
  // It gets as far as unpacking, which this system does not do.
  const why = 'dpkg-deb --extract such.deb: E: it says no';
  expect(outcome).toEqual({ kind: 'unavailable', why });
});
