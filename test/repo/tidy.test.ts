// Holds the repository to its own rules. A failure names the file and what it breaks; that each
// rule can fail is shown in rules.test.ts.
import { expect, test } from 'vitest';
import { findMissingCommands, findUntestedFailureModes } from './document-rules.ts';
import {
  findForbiddenFolders,
  findHomelessLibraries,
  findScatteredLibraries,
  findUnplacedParts,
  findUpwardImports,
} from './import-rules.ts';
import {
  findDrawers,
  findLongFiles,
  findMachineTraces,
  findProcessAccess,
  findPromises,
} from './text-rules.ts';
import { readTree } from './tree.ts';

const tree = readTree();

test('the whole repository is looked at', () => {
  expect(tree.has('proxy/main.ts') && tree.has('test/repo/tidy.test.ts')).toBe(true);
  expect([...tree.keys()].filter((file) => file.startsWith('node_modules/'))).toEqual([]);
});

test('folders import only what they may', () => {
  expect(findForbiddenFolders(tree)).toEqual([]);
});

test('imports inside the proxy point down', () => {
  expect(findUpwardImports(tree)).toEqual([]);
});

test('every part of the proxy has a place above or below the others', () => {
  expect(findUnplacedParts(tree)).toEqual([]);
});

test('each library is imported by one file', () => {
  expect(findScatteredLibraries(tree)).toEqual([]);
});

test('each runtime library has the file that may import it', () => {
  expect(findHomelessLibraries(tree)).toEqual([]);
});

test('no file is a drawer for things that have no place', () => {
  expect(findDrawers(tree)).toEqual([]);
});

test('no source file is longer than 300 lines', () => {
  expect(findLongFiles(tree)).toEqual([]);
});

test('what is left to do stands in an issue, not in a comment', () => {
  expect(findPromises(tree)).toEqual([]);
});

test('nothing names a path or a registry of one machine', () => {
  expect(findMachineTraces(tree)).toEqual([]);
});

test('no code reads the environment or ends the process', () => {
  expect(findProcessAccess(tree)).toEqual([]);
});

test('every command in README and CONTRIBUTING exists', () => {
  expect(findMissingCommands(tree)).toEqual([]);
});

test('every failure mode in the documents has a test', () => {
  expect(findUntestedFailureModes(tree)).toEqual([]);
});
