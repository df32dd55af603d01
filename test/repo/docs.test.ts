// Documents may only name what is there: pages, files, keys, metrics, folders. Commands in README
// and the tests of failure modes are looked at in tidy.test.ts.
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect, test } from 'vitest';
import { keysAt } from '../../proxy/config.ts';
import { ROOT_DIRECTORY } from '../../tools/binaries.ts';
import { configurationPage } from '../../tools/docs-configuration.ts';
import { metricsPage } from '../../tools/docs-metrics.ts';
import { readTree } from './tree.ts';

const tree = readTree();
const documents = [...tree].filter(([file]) => file.endsWith('.md'));
const README_MAX_LINES = 119;

function textOf(file: string): string {
  return tree.get(file) ?? '';
}

/** Spans of code in a document, outside of code blocks, as `file: span` would be shown. */
function codeSpans(pattern: RegExp): { readonly file: string; readonly span: string }[] {
  return documents.flatMap(([file, text]) => {
    const prose = text.replaceAll(/```[\s\S]*?```/g, '');
    return [...prose.matchAll(/`([^`\n]+)`/g)]
      .map(([, span = '']) => ({ file, span }))
      .filter(({ span }) => pattern.test(span));
  });
}

function describe({ file, span }: { readonly file: string; readonly span: string }): string {
  return `${file}: ${span}`;
}

/** A file, a folder, or with `*` at least one file. */
function exists(path: string): boolean {
  const plain = path.replace(/\/$/, '');
  if (tree.has(plain)) return true;
  // Pictures are not read, so that they are not in the tree.
  if (plain.endsWith('.png')) return existsSync(join(ROOT_DIRECTORY, plain));
  const pattern = new RegExp(`^${plain.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}(/|$)`);
  return [...tree.keys()].some((file) => pattern.test(file));
}

test('the documents are looked at', () => {
  const names = documents.map(([file]) => file);
  expect(names).toEqual(expect.arrayContaining(['README.md', 'docs/architecture.md']));
});

test('every relative link leads to a file or folder of the repository', () => {
  const dead = documents.flatMap(([file, text]) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target.split('#', 1)[0] ?? '')
      .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
      .filter((target) => !exists(posix.join(posix.dirname(file), target)))
      .map((target) => `${file}: ${target}`),
  );
  expect(dead).toEqual([]);
});

test('README is short enough to be read', () => {
  expect(textOf('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(README_MAX_LINES);
});

test('README maps every folder that there is, and no other', () => {
  const rows = [...textOf('README.md').matchAll(/^\| \[([\w-]+)\]\(/gm)].map(([, name]) => name);
  const folders = new Set(
    [...tree.keys()].filter((file) => /^\w[^/]*\//.test(file)).map((file) => file.split('/')[0]),
  );
  expect(rows.toSorted()).toEqual([...folders].toSorted());
});

test('every file and folder that a document names exists', () => {
  const folders = '(common|proxy|simulator|tools|test|docs|prove|bench)/';
  // Kubernetes' own files are .go, and some of their folders are called like ours.
  const paths = codeSpans(new RegExp(`^${folders}[\\w./*-]*(?<!\\.go)$`));
  const names = codeSpans(/^[\w*-]+(\.test)?\.ts$/);
  const basenames = [...tree.keys()].map((file) => `names/${posix.basename(file)}`);
  const missing = [
    ...paths.filter(({ span }) => !exists(span)),
    ...names.filter(({ span }) => {
      const pattern = new RegExp(`^names/${span.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
      return !basenames.some((name) => pattern.test(name));
    }),
  ];
  expect(missing.map(describe)).toEqual([]);
});

test('every configuration key that a document names exists', () => {
  const sections = keysAt([]).join('|');
  const unknown = codeSpans(new RegExp(`^(${sections})\\.[a-zA-Z.[\\]]+$`)).filter(({ span }) => {
    // A file at the top of a folder may be called like a section.
    const path = span.replaceAll('[]', '.0').split('.');
    const key = path.pop() ?? '';
    const parent = path.map((part) => (part === '0' ? 0 : part));
    return !span.endsWith('.ts') && !keysAt(parent).includes(key);
  });
  expect(unknown.map(describe)).toEqual([]);
});

test('every metric that a document names exists', async () => {
  const page = await metricsPage();
  const unknown = codeSpans(/^evenkeel_\w+$/).filter(({ span }) => !page.includes(`| \`${span}\``));
  expect(unknown.map(describe)).toEqual([]);
});

test('docs/configuration.md is what npx node tools/docs-write.ts writes', () => {
  const page = configurationPage(textOf('proxy/config.example.yaml'));
  expect(textOf('docs/configuration.md')).toBe(page);
});

test('docs/metrics.md is what npx node tools/docs-write.ts writes, with a row for each family', async () => {
  const page = await metricsPage();
  expect(textOf('docs/metrics.md')).toBe(page);
  expect(page.match(/^\| `evenkeel_/gm)?.length).toBeGreaterThan(10);
});

test('every configuration key has its row', () => {
  const page = textOf('docs/configuration.md');
  const keys = keysAt([]).flatMap((name) => {
    const inner = keysAt([name]).map((key) => `${name}.${key}`);
    return inner.length > 0 ? inner : [name];
  });
  const missing = keys.filter((key) => !page.includes(`| \`${key}\` |`));
  expect(missing).toEqual([]);
});

test('every dependency has its reason in CONTRIBUTING, and no other package has one', () => {
  const { dependencies, devDependencies } = JSON.parse(textOf('package.json'));
  const reasons = [...textOf('CONTRIBUTING.md').matchAll(/^\* `([@\w./-]+)`: /gm)];
  expect(reasons.map(([, name]) => name).toSorted()).toEqual(
    Object.keys({ ...dependencies, ...devDependencies }).toSorted(),
  );
});

test('every architecture invariant names the test that holds it', () => {
  const invariants = textOf('docs/architecture.md')
    .split('\n\n')
    .filter((paragraph) => paragraph.includes('**Architecture invariant:**'));
  expect(invariants.length).toBeGreaterThan(0);
  const unheld = invariants.filter(
    (paragraph) => !/\]\(\.\.\/test\/.*\.test\.ts\)/.test(paragraph),
  );
  expect(unheld).toEqual([]);
});

test('every decision has context, decision, consequences and a date, and its own number', () => {
  const records = documents.filter(([file]) => file.startsWith('docs/decisions/'));
  const numbers = records.map(([file]) => file.slice('docs/decisions/'.length).slice(0, 4));
  expect(new Set(numbers).size).toBe(records.length);
  const incomplete = records.filter(([file, text]) => {
    const number = posix.basename(file).slice(0, 4);
    const parts = [`# ${number}: `, '\nDate: 20', '\n## Context', '\n## Decision'];
    return ![...parts, '\n## Consequences'].every((part) => text.includes(part));
  });
  expect(incomplete.map(([file]) => file)).toEqual([]);
});
