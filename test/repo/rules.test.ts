// Each rule on samples that break it: a rule that finds nothing anywhere would hold nothing.
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
import type { Tree } from './tree.ts';

function tree(files: Readonly<Record<string, string>>): Tree {
  return new Map(Object.entries(files));
}

test.each([
  ['common/a.ts', 'proxy/b.ts'],
  ['proxy/a.ts', 'etcd-tools/b.ts'],
  ['etcd-tools/a.ts', 'proxy/b.ts'],
  ['loadtests/a.ts', 'proxy/b.ts'],
  ['simulator/a.ts', 'proxy/b.ts'],
  ['tools/a.ts', 'test/b.ts'],
  ['bench/a.ts', 'prove/b.ts'],
])('%s may not import %s', (file, target) => {
  expect(findForbiddenFolders(tree({ [file]: `import '../${target}';`, [target]: '' }))).toEqual([
    `${file} imports ${target}`,
  ]);
});

test.each([
  'import { b } from "../proxy/b.ts";',
  "import type { B } from '../proxy/b.ts';",
  "export { b } from '../proxy/b.ts';",
  "import {\n  b,\n} from '../proxy/b.ts';",
  "import '../proxy/b.ts';",
  "const b = await import('../proxy/b.ts');",
  "const b = createRequire(import.meta.url)('../proxy/b.ts');",
])('an import is seen in whatever form: %s', (text) => {
  expect(findForbiddenFolders(tree({ 'common/a.ts': text, 'proxy/b.ts': '' }))).toHaveLength(1);
});

test('a word in quotes is not an import', () => {
  const files = { 'proxy/http2/a.ts': "[['from', ''], ['import', 'x']];" };
  expect(findUpwardImports(tree(files))).toEqual([]);
});

test('a test may import everything', () => {
  const files = { 'test/a.test.ts': "import '../proxy/main.ts';", 'proxy/main.ts': '' };
  expect(findForbiddenFolders(tree(files))).toEqual([]);
});

test.each([
  ['proxy/server.ts', './main.ts'],
  ['proxy/handler.ts', './server.ts'],
  ['proxy/handler.ts', './config.ts'],
  ['proxy/config.ts', './errors.ts'],
  ['proxy/watch/a.ts', '../handler.ts'],
  ['proxy/upstream/a.ts', '../config-schema.ts'],
  ['proxy/errors.ts', './upstream/a.ts'],
  ['proxy/kube/a.ts', '../identity/b.ts'],
  ['proxy/kube/a.ts', '../errors.ts'],
  ['proxy/http2/a.ts', '../kube/b.ts'],
  ['proxy/http2/a.ts', '../../common/log.ts'],
  ['proxy/http2/a.ts', 'undici'],
])('%s may not import %s', (file, target) => {
  expect(findUpwardImports(tree({ [file]: `import '${target}';` }))).toHaveLength(1);
});

test.each([
  ['proxy/server.ts', './config.ts'],
  ['proxy/handler.ts', './watch/a.ts'],
  ['proxy/watch/a.ts', '../upstream/b.ts'],
  ['proxy/identity/a.ts', '../errors.ts'],
  ['proxy/kube/a.ts', '../http2/b.ts'],
  ['proxy/http2/a.ts', './b.ts'],
  ['proxy/http2/a.ts', 'node:stream'],
])('%s may import %s', (file, target) => {
  expect(findUpwardImports(tree({ [file]: `import '${target}';` }))).toEqual([]);
});

test('a new file at the top of the proxy needs a place', () => {
  const files = tree({ 'proxy/new.ts': '', 'proxy/config-new.ts': '', 'proxy/kube/new.ts': '' });
  expect(findUnplacedParts(files)).toEqual(['proxy/new.ts']);
});

test('a library has one importer, and each runtime library has one', () => {
  const manifest = JSON.stringify({ dependencies: { node: '26', undici: '8', lodash: '4' } });
  const files = tree({
    'proxy/http1/spdy.ts': "import { Pool } from 'undici';",
    'proxy/handler.ts': "import type { Pool } from 'undici/types';",
    'test/a.test.ts': "import 'undici';",
    'package.json': manifest,
  });
  expect(findScatteredLibraries(files)).toEqual(['proxy/handler.ts imports undici/types']);
  expect(findHomelessLibraries(files)).toEqual(['lodash']);
});

test('drawers are found by name', () => {
  const names = ['proxy/utils.ts', 'common/index.ts', 'test/helpers.ts', 'proxy/manager.ts'];
  const files = Object.fromEntries([...names, 'proxy/request-index.ts'].map((name) => [name, '']));
  expect(findDrawers(tree(files))).toEqual(names);
});

test('a source of 301 lines is too long, and 300 are not', () => {
  const lines = (count: number): string => 'x\n'.repeat(count);
  expect(
    findLongFiles(tree({ 'a.ts': lines(300), 'b.ts': lines(301), 'c.json': lines(500) })),
  ).toEqual(['b.ts: 301 lines']);
});

test('promises in comments are found', () => {
  expect(findPromises(tree({ 'a.ts': '// TODO: later', 'b.go': '// FIXME' }))).toHaveLength(2);
});

test.each([
  "const directory = '/tmp/mine';",
  'See /home/ann/notes.',
  'https://registry.npmjs.org/pino',
  'GOPROXY=https://proxy.golang.org',
])('a trace of a machine is found: %s', (text) => {
  expect(findMachineTraces(tree({ 'a.md': text }))).toHaveLength(1);
});

test('a lock file holds no addresses', () => {
  const text = '{ "resolved": "https://example.org/a.tgz" }';
  expect(findMachineTraces(tree({ 'package-lock.json': text }))).toHaveLength(1);
});

test.each(['process.exit(1);', 'const { HOME } = process.env;', 'process.exitCode = 1;'])(
  'access to the process is found: %s',
  (text) => {
    expect(findProcessAccess(tree({ 'proxy/a.ts': text }))).toHaveLength(1);
  },
);

test('a command that nobody can run is found', () => {
  const text = [
    'Node comes as an npm package; `npm run sail` it.',
    '```sh',
    'npm ci && npm test',
    'npm run prove',
    'npm run fly',
    'npm run prove -- door',
    'npm run bench -- door',
    'npx vitest run --project moon',
    '```',
  ].join('\n');
  const files = {
    'README.md': text,
    'package.json': JSON.stringify({ scripts: { test: '', prove: '', bench: '' } }),
    'bench/door.ts': '',
  };
  expect(findMissingCommands(tree(files))).toEqual([
    'README.md: npm run sail',
    'README.md: npm run fly',
    'README.md: npm run prove -- door (no prove/scenarios/door.ts)',
    'README.md: vitest run --project moon',
  ]);
});

test('a failure mode without an existing test is found', () => {
  const text = [
    '| what | test |',
    '|---|---|',
    '| a replica dies | `test/integration/a.test.ts` |',
    '| a replica freezes | `test/integration/b.test.ts` |',
    '| a replica lies | none |',
  ].join('\n');
  const files = { 'docs/failure-modes.md': text, 'test/integration/a.test.ts': '' };
  expect(findUntestedFailureModes(tree(files))).toHaveLength(2);
});
