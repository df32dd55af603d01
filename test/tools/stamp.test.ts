import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Component } from '../../tools/components.ts';
import { computeStamp, readModuleFiles } from '../../tools/stamp.ts';

const component: Component = {
  name: 'tool',
  module: 'tools/tool',
  package: 'example.org/tool',
  pinnedBy: 'example.org/tool',
  version: 'v1.0.0',
  variables: { 'main.VERSION': '1.0.0' },
};
const files = new Map([
  ['go.mod', 'module a'],
  ['go.sum', 'sums'],
]);
const input = { goVersion: 'go version go1.26.8 linux/amd64', files };
const stamp = computeStamp(component, input);

test('a stamp does not depend on the order in which files are read', () => {
  expect(computeStamp(component, { ...input, files: new Map([...files].reverse()) })).toBe(stamp);
});

test.each([
  ['the version', { ...component, version: 'v1.0.1' }, input],
  ['a linker variable', { ...component, variables: { 'main.VERSION': '1.0.1' } }, input],
  ['the package', { ...component, package: 'example.org/tool/cmd' }, input],
  ['the Go version', component, { ...input, goVersion: 'go version go1.26.9 linux/amd64' }],
  ['go.sum', component, { ...input, files: new Map([...files, ['go.sum', 'others']]) }],
  ['a source file', component, { ...input, files: new Map([...files, ['main.go', 'package a']]) }],
])('another stamp comes of a change to %s', (_what, changed, changedInput) => {
  expect(computeStamp(changed, changedInput)).not.toBe(stamp);
});

test('text that moves from one file to the next changes the stamp', () => {
  const moved = new Map([
    ['go.mod', 'module as'],
    ['go.sum', 'ums'],
  ]);
  expect(computeStamp(component, { ...input, files: moved })).not.toBe(stamp);
});

test('only what a build reads is stamped', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'stamp-test-'));
  try {
    await mkdir(join(directory, 'cmd'));
    for (const name of ['go.mod', 'go.sum', 'cmd/main.go', 'cmd/main_test.go', 'README.md']) {
      await writeFile(join(directory, name), name);
    }
    const names = [...(await readModuleFiles(directory)).keys()].sort();
    expect(names).toEqual(['cmd/main.go', 'go.mod', 'go.sum']);
  } finally {
    await rm(directory, { recursive: true });
  }
});
