// Each way in which a patch can fail to be what it says, on a module that is small enough for it.
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parsePatchFile } from '../../patches/patch-file.ts';
import { assemble, type Base } from '../../patches/patch-set.ts';
import { NoSourceError, type Unpack, WrongSourceError } from '../../patches/source.ts';
import { type Proof, planWork } from '../../patches/stamps.ts';
import { type Report, verifyAll } from '../../patches/workbench.ts';
import { addFile, changeMail, OTHER_TEST, replaceLine, SOURCE, testMail } from './mail.ts';

const BASE: Base = {
  component: 'adder',
  version: 'v1.0.0',
  module: 'example.com/adder',
  sum: 'h1:sum',
};
const notRun = hasPrograms() ? '' : ' (not run: no Go or no git)';
const TIMEOUT_MS = 120_000;

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'evenkeel-patches-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

function hasPrograms(): boolean {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' });
    execFileSync('git', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function unpack(_base: Base, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  await writeFile(join(target, 'go.mod'), 'module example.com/adder\n\ngo 1.21\n');
  await writeFile(join(target, 'add.go'), SOURCE);
  await writeFile(join(target, 'nothing_test.go'), OTHER_TEST);
}

interface Options {
  readonly unpack?: Unpack;
  readonly again?: boolean;
  readonly isOver?: () => boolean;
  readonly proof?: Proof;
}

/** Verifies patches of one folder, each of which has the name of its file. */
async function verify(
  mails: Readonly<Record<string, string>>,
  { proof = 'whole', ...options }: Options = {},
): Promise<readonly Report[]> {
  const files = Object.entries(mails).map(
    ([name, text]) => [name, parsePatchFile(`adder/v1.0.0/${name}`, text)] as const,
  );
  const { patches, problems } = assemble(BASE, new Map(files));
  expect(problems).toEqual([]);
  const reports = await verifyAll(planWork([BASE], patches, proof), {
    directory,
    unpack,
    goVersion: 'go',
    jobs: 1,
    again: true,
    signal: new AbortController().signal,
    ...options,
  });
  expect((await readdir(directory)).filter((name) => name.startsWith('work-'))).toEqual([]);
  return reports;
}

async function verifyOne(
  mails: Readonly<Record<string, string>>,
  options: Options = {},
): Promise<string> {
  const [report] = await verify(mails, options);
  return `${report?.verdict}: ${report?.note}`;
}

const good = { '0001-add.patch': changeMail(), '0001-add.test.patch': testMail() };

test.skipIf(notRun !== '')(
  `a good patch is verified, and not again while all is the same${notRun}`,
  { timeout: TIMEOUT_MS },
  async () => {
    const [first] = await verify(good);
    expect(first?.note).toMatch(
      /^fails without [\d.]+ s, passes with [\d.]+ s, whole package [\d.]+ s, vet clean$/,
    );
    const [second] = await verify(good, { again: false });
    expect([second?.verdict, second?.cached, second?.note]).toEqual([
      'verified',
      true,
      first?.note,
    ]);
  },
);

test('what there is no time left for is not run, and says how to run it', async () => {
  const report = await verifyOne(good, { isOver: () => true });
  expect(report).toBe(
    'not run: no time left for it (npm run patches -- --only adder/v1.0.0/0001-add)',
  );
});

/** Another file, so that it holds together with `good`. */
const other = {
  '0002-more.patch': changeMail({
    diff: addFile('more.go', ['package adder', '', 'const more = 3']),
  }),
  '0002-more.test.patch': testMail({
    trailers: { 'Test-Run': ['^TestMore$'], 'Fails-With': ['undefined: more'] },
    diff: addFile('more_test.go', [
      ...['package adder', '', 'import "testing"', '', 'func TestMore(t *testing.T) {'],
      ...['\tif more != 3 {', '\t\tt.Error("more")', '\t}', '}'],
    ]),
  }),
};

test.skipIf(notRun !== '')(
  `what is proven quickly is proven wholly together, and does not pass for a whole proof${notRun}`,
  { timeout: TIMEOUT_MS },
  async () => {
    const mails = { ...good, ...other };
    const all = [
      /^fails without [\d.]+ s, passes with [\d.]+ s$/,
      /^fails without [\d.]+ s, passes with [\d.]+ s$/,
      /^apply in order; whole package [\d.]+ s, vet clean$/,
    ].map((note) => expect.stringMatching(note));
    const quick = await verify(mails, { proof: 'quick' });
    expect(quick.map(({ note }) => note)).toEqual(all);
    const done = async (proof: Proof): Promise<string[]> => {
      const reports = await verify(mails, { proof, again: false });
      return reports.filter(({ cached }) => !cached).map(({ work }) => work.patch?.name ?? 'all');
    };
    expect(await done('quick')).toEqual([]);
    // All together are proven wholly in any case.
    expect(await done('whole')).toEqual(['0001-add', '0002-more']);
    expect(await done('quick')).toEqual([]);
    expect(await done('whole')).toEqual([]);
  },
);

test.skipIf(notRun !== '')(
  `a patch that breaks another test is refused together with the others, if not by its quick proof${notRun}`,
  { timeout: TIMEOUT_MS },
  async () => {
    const diff = replaceLine('add.go', 4, '\treturn a - b', '\treturn 3');
    const mails = { ...good, ...other, '0001-add.patch': changeMail({ diff }) };
    const reports = await verify(mails, { proof: 'quick' });
    expect(reports.map(({ verdict }) => verdict)).toEqual(['verified', 'verified', 'refused']);
    expect(reports[2]?.note).toContain('1 and 0 are not 1');
    // Alone in its folder, there is nothing else that would tell.
    expect(
      await verifyOne({ ...good, '0001-add.patch': changeMail({ diff }) }, { proof: 'quick' }),
    ).toContain('refused: other tests of the packages fail:');
  },
);

test.skipIf(notRun !== '')(
  `a patch that does not apply is refused${notRun}`,
  { timeout: TIMEOUT_MS },
  async () => {
    const diff = replaceLine('add.go', 4, '\treturn a * b', '\treturn a + b');
    expect(await verifyOne({ ...good, '0001-add.patch': changeMail({ diff }) })).toBe(
      'refused: adder/v1.0.0/0001-add.patch does not apply: ' +
        'error: patch failed: add.go:3; error: add.go: patch does not apply',
    );
  },
);

test.skipIf(notRun !== '')(
  `a test that passes without the change is refused${notRun}`,
  { timeout: TIMEOUT_MS },
  async () => {
    const trailers = { 'Test-Run': ['^TestAddNothing$'] };
    expect(await verifyOne({ ...good, '0001-add.test.patch': testMail({ trailers }) })).toBe(
      'refused: the test passes without the change',
    );
  },
);

test.skipIf(notRun !== '')(
  `a test that fails for another reason than it says is refused${notRun}`,
  { timeout: TIMEOUT_MS },
  async () => {
    const trailers = { 'Fails-With': ['expected 3', 'expected 4'] };
    const said = await verifyOne({ ...good, '0001-add.test.patch': testMail({ trailers }) });
    expect(said).toContain(
      'refused: the test fails, but nothing that it says matches "expected 4":',
    );
    expect(said).toContain('expected 3, got -1');
  },
);

test.skipIf(notRun !== '')(
  `a change that does not mend what is tested is refused${notRun}`,
  { timeout: TIMEOUT_MS },
  async () => {
    const diff = replaceLine('add.go', 4, '\treturn a - b', '\treturn a * b');
    expect(await verifyOne({ ...good, '0001-add.patch': changeMail({ diff }) })).toContain(
      'refused: the test fails with the change:',
    );
  },
);

test.skipIf(notRun !== '')(
  `a change that breaks another test of the package is refused${notRun}`,
  { timeout: TIMEOUT_MS },
  async () => {
    const diff = replaceLine('add.go', 4, '\treturn a - b', '\treturn 3');
    const said = await verifyOne({ ...good, '0001-add.patch': changeMail({ diff }) });
    expect(said).toContain('refused: other tests of the packages fail:');
    expect(said).toContain('1 and 0 are not 1');
  },
);

test.skipIf(notRun !== '')(
  `a change that vet complains of is refused${notRun}`,
  { timeout: TIMEOUT_MS },
  async () => {
    // Of what vet looks for, `go test` looks for less: this is not part of it.
    const diff = replaceLine('add.go', 4, '\treturn a - b', '\ta = a\n+\treturn a + b').replace(
      '+3,3 @@',
      '+3,4 @@',
    );
    const said = await verifyOne({ ...good, '0001-add.patch': changeMail({ diff }) });
    expect(said).toContain('refused: go vet complains:');
    expect(said).toContain('self-assignment of a');
  },
);

test.skipIf(notRun !== '')(
  `a test alone is verified by a revert that makes it fail, and refused with one that does not${notRun}`,
  { timeout: TIMEOUT_MS },
  async () => {
    const fixed: Unpack = async (base, target) => {
      await unpack(base, target);
      await writeFile(join(target, 'add.go'), SOURCE.replace('a - b', 'a + b'));
    };
    const revert = changeMail({
      diff: replaceLine('add.go', 4, '\treturn a + b', '\treturn a - b'),
    });
    const mails = { '0001-add.test.patch': testMail(), '0001-add.revert.patch': revert };
    expect(await verifyOne(mails, { unpack: fixed })).toMatch(
      /^verified: passes [\d.]+ s, fails when reverted [\d.]+ s/,
    );
    const idle = changeMail({ diff: addFile('other.go', ['package adder']) });
    expect(await verifyOne({ ...mails, '0001-add.revert.patch': idle }, { unpack: fixed })).toBe(
      'refused: the test passes with the fix reverted',
    );
  },
);

test.skipIf(notRun !== '')(
  `patches that hold alone and not together are refused together${notRun}`,
  { timeout: TIMEOUT_MS },
  async () => {
    const reports = await verify({
      ...good,
      '0002-more.patch': changeMail({
        diff: replaceLine('add.go', 4, '\treturn a - b', '\treturn b + a'),
      }),
      '0002-more.test.patch': testMail({
        trailers: { 'Test-Run': ['^TestMore$'], 'Fails-With': ['more'] },
        diff: addFile('more_test.go', [
          ...['package adder', '', 'import "testing"', '', 'func TestMore(t *testing.T) {'],
          ...['\tif Add(1, 2) != 3 {', '\t\tt.Error("more")', '\t}', '}'],
        ]),
      }),
    });
    expect(reports.map(({ verdict }) => verdict)).toEqual(['verified', 'verified', 'refused']);
    expect(reports[2]?.note).toContain('adder/v1.0.0/0002-more.patch does not apply');
  },
);

test('without a source a patch is not run, and with a wrong one it is refused', async () => {
  const none: Unpack = () => Promise.reject(new NoSourceError('example.com/adder: not found'));
  const wrong: Unpack = () => Promise.reject(new WrongSourceError('pinned h1:a, got h1:b'));
  expect(await verifyOne(good, { unpack: none })).toBe(
    'not run: no source: example.com/adder: not found',
  );
  expect(await verifyOne(good, { unpack: wrong })).toBe('refused: pinned h1:a, got h1:b');
});
