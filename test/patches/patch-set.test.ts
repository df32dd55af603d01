import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parsePatchFile } from '../../patches/patch-file.ts';
import { assemble, type Base, readPatchSet } from '../../patches/patch-set.ts';
import { publishStaging } from '../../patches/source.ts';
import { computeWorkStamp, planWork } from '../../patches/stamps.ts';
import { ROOT_DIRECTORY } from '../../tools/binaries.ts';
import { changeMail, type MailParts, testMail } from './mail.ts';

const BASE: Base = {
  component: 'adder',
  version: 'v1.0.0',
  module: 'example.com/adder',
  sum: 'h1:sum',
};

function assembleMails(mails: Readonly<Record<string, string>>) {
  const files = Object.entries(mails).map(
    ([name, text]) => [name, parsePatchFile(`adder/v1.0.0/${name}`, text)] as const,
  );
  return assemble(BASE, new Map(files));
}

/** Two patches, the second of which says what it is told to. */
function two(parts: MailParts = {}) {
  return assembleMails({
    '0001-one.patch': changeMail(),
    '0001-one.test.patch': testMail(),
    '0002-two.patch': changeMail(parts),
    '0002-two.test.patch': testMail(),
  });
}

test('every patch in the repository has a good header, a test and a pinned source', async () => {
  const { patches, problems } = await readPatchSet(join(ROOT_DIRECTORY, 'patches'));
  expect(problems).toEqual([]);
  expect(patches.length).toBeGreaterThan(0);
});

test('changes and tests are paired by name', () => {
  const { patches, problems } = two();
  expect(problems).toEqual([]);
  expect(patches.map(({ name }) => name)).toEqual(['0001-one', '0002-two']);
});

test('a change without a test is refused', () => {
  expect(assembleMails({ '0001-one.patch': changeMail() })).toEqual({
    patches: [],
    problems: ['adder/v1.0.0/0001-one: no 0001-one.test.patch'],
  });
});

test('a test that has neither a change nor a revert is refused', () => {
  expect(assembleMails({ '0001-one.test.patch': testMail() })).toEqual({
    patches: [],
    problems: [
      'adder/v1.0.0/0001-one: expected either a .patch or, for a test alone, a .revert.patch',
    ],
  });
});

test('two patches with one number, and a name that is none, are refused', () => {
  const { problems } = assembleMails({
    '0001-one.patch': changeMail(),
    '0001-one.test.patch': testMail(),
    '0001-two.patch': changeMail(),
    '0001-two.test.patch': testMail(),
    'three.patch': changeMail(),
  });
  expect(problems).toEqual([
    'adder/v1.0.0/three.patch: expected NNNN-slug[.test].patch',
    'adder/v1.0.0/0001-two: 0001-one has the same number',
  ]);
});

test('a patch is verified on top of those that it depends on', () => {
  const { patches, problems } = two({ trailers: { 'Depends-On': ['0001'] } });
  expect(problems).toEqual([]);
  const works = planWork([BASE], patches);
  expect(works.map(({ title, patches: own }) => [title, own.map(({ name }) => name)])).toEqual([
    ['adder/v1.0.0/0001-one', ['0001-one']],
    ['adder/v1.0.0/0002-two', ['0001-one', '0002-two']],
    ['adder/v1.0.0/series', ['0001-one', '0002-two']],
  ]);
});

test('a patch that depends on one after it is refused', () => {
  expect(two({ trailers: { 'Depends-On': ['0003'] } }).problems).toEqual([
    'adder/v1.0.0/0002-two: depends on 0003, which is not before it',
  ]);
});

test('a stamp changes with the patch, its test, the pin and the Go version', () => {
  const stampOf = (mails: Readonly<Record<string, string>>, base = BASE, go = 'go1.26') => {
    const [work] = planWork([BASE], assembleMails(mails).patches);
    return work === undefined ? undefined : computeWorkStamp({ ...work, base }, go, 'whole');
  };
  const mails = { '0001-one.patch': changeMail(), '0001-one.test.patch': testMail() };
  const stamps = [
    stampOf(mails),
    stampOf({ ...mails, '0001-one.patch': changeMail({ subject: 'adder: other' }) }),
    stampOf({ ...mails, '0001-one.test.patch': testMail({ subject: 'adder: other' }) }),
    stampOf(mails, { ...BASE, sum: 'h1:other' }),
    stampOf(mails, BASE, 'go1.27'),
  ];
  expect(stampOf(mails)).toBe(stamps[0]);
  expect(new Set(stamps).size).toBe(stamps.length);
});

test('staging modules are taken as published, but for those that are to be changed', () => {
  const goMod = [
    'replace (',
    '\tk8s.io/api => ./staging/src/k8s.io/api',
    '\tk8s.io/endpointslice => ./staging/src/k8s.io/endpointslice',
    ')',
  ].join('\n');
  expect(publishStaging(goMod, 'v1.34.4', new Set(['k8s.io/endpointslice']))).toBe(
    goMod.replace('./staging/src/k8s.io/api', 'k8s.io/api v0.34.4'),
  );
});
