import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { EXIT_CODE } from '../../common/exit-code.ts';
import { keysAt, loadConfig } from '../../proxy/config.ts';
import { ConfigError } from '../../proxy/config-error.ts';
import { MINIMAL, makeFiles, parse, problemOf } from './config-files.ts';

const files = makeFiles();
const EXAMPLE = readFileSync(new URL('../../proxy/config.example.yaml', import.meta.url), 'utf8');

/** Files under the names that the example gives them. */
const exampleFiles = new Map([
  ['pki/door.crt', files.get('door.crt') ?? ''],
  ['pki/door.key', files.get('door.key') ?? ''],
  ['pki/front-proxy.crt', files.get('client-only.crt') ?? ''],
  ['pki/front-proxy.key', files.get('door.key') ?? ''],
  ['pki/client-ca.crt', files.get('ca.crt') ?? ''],
  ['pki/apiserver-ca.crt', files.get('rotating-ca.crt') ?? ''],
]);

function mayHold(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function keysOf(value: unknown, path: readonly PropertyKey[] = []): string[] {
  if (!mayHold(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    [...path, key].join('.'),
    ...keysOf(inner, [...path, key]),
  ]);
}

function schemaKeys(path: readonly PropertyKey[] = []): string[] {
  return keysAt(path).flatMap((key) => [[...path, key].join('.'), ...schemaKeys([...path, key])]);
}

test('the example holds every key and no other', () => {
  const example = parseYaml(EXAMPLE);
  expect(keysOf(example).sort()).toEqual(schemaKeys().sort());
  expect(keysOf(example.upstream.endpoints[0]).sort()).toEqual(
    keysAt(['upstream', 'endpoints', 0]).sort(),
  );
});

test('the example is valid and shows the defaults', () => {
  const example = parse(EXAMPLE, exampleFiles);
  const minimal = parse(MINIMAL, files);
  for (const section of [
    'health',
    'balancing',
    'retry',
    'limits',
    'drain',
    'admin',
    'log',
  ] as const) {
    expect(example[section], section).toEqual(minimal[section]);
  }
  const { address, port } = minimal.listen;
  expect(example.listen).toMatchObject({ address, port });
  const { connectTimeoutMs, headerTimeoutMs, connectionsPerEndpoint } = minimal.upstream;
  expect(example.upstream).toMatchObject({ connectTimeoutMs, headerTimeoutMs });
  expect(example.upstream).toMatchObject({ connectionsPerEndpoint });
  expect(example.identity.sendUid).toBe(minimal.identity.sendUid);
  expect(example.frontProxy?.stripHeaders).toEqual([]);
});

test('every key of the example has a comment, or its section has', () => {
  const sections = EXAMPLE.split('\n\n').filter((block) => /^[a-zA-Z]/m.test(block));
  expect(sections.filter((block) => !block.includes('#'))).toEqual([]);
});

test('values come in base units, endpoints as host and port, files as text', () => {
  const config = parse(EXAMPLE, exampleFiles);
  expect(config.balancing.outlier).toMatchObject({
    baseEjectionMs: 10_000,
    maxEjectionMs: 300_000,
  });
  expect(config.retry).toMatchObject({
    replayBodyBytes: 3_145_728,
    replayMemoryBytes: 268_435_456,
  });
  expect(config.limits).toMatchObject({ headerBytes: 65_536, idleConnectionMs: 180_000 });
  expect(config.upstream.endpoints).toEqual([
    { name: 'control-plane-1', host: '10.0.0.1', port: 6443 },
    { name: '10.0.0.2:6443', host: '10.0.0.2', port: 6443 },
    { name: '10.0.0.3:6443', host: '10.0.0.3', port: 6443 },
  ]);
  expect(config.listen.certificatePem).toBe(files.get('door.crt'));
  expect(config.frontProxy?.keyPem).toBe(files.get('door.key'));
  expect(config.identity.clientCaPem).toBe(files.get('ca.crt'));
  expect(config.upstream.caPem).toBe(files.get('rotating-ca.crt'));
});

test('without a client CA there is no front proxy to configure, and port 0 is allowed', () => {
  const config = parse(MINIMAL.replace('listen: {', 'listen: {port: 0, '), files);
  expect(config.listen.port).toBe(0);
  expect(config.frontProxy).toBeUndefined();
  expect(config.identity.clientCaPem).toBeUndefined();
});

test('an IPv6 endpoint loses its brackets and https has its port', () => {
  const text = MINIMAL.replace('https://10.0.0.1:6443', 'https://[2001:db8::1]');
  expect(parse(text, files).upstream.endpoints).toEqual([
    { name: '[2001:db8::1]', host: '2001:db8::1', port: 443 },
  ]);
});

test('names to strip are kept in the form in which the door compares them', () => {
  const frontProxy =
    'frontProxy: {certificate: door.crt, key: door.key, stripHeaders: [X_Auth-U_]}';
  expect(parse(`${MINIMAL}${frontProxy}`, files).frontProxy?.stripHeaders).toEqual(['x-auth-u-']);
});

test('a file is read with the paths in it relative to its folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-config-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
  const file = join(folder, 'c.yaml');
  writeFileSync(file, MINIMAL);
  expect(loadConfig(file).files).toEqual(
    ['c.yaml', 'door.crt', 'door.key', 'ca.crt'].map((name) => join(folder, name)),
  );
  writeFileSync(file, 'listen: 1');
  expect(() => loadConfig(file)).toThrow(`${file}: listen: expected a section of keys, got 1`);
  expect(() => loadConfig(join(folder, 'none.yaml'))).toThrow(
    'none.yaml: cannot read the configuration file (ENOENT)',
  );
});

test('a bad configuration is the kind of error that ends a program with exit code 2', () => {
  expect(() => parse('', files)).toThrow(ConfigError);
  expect(new ConfigError('x').exitCode).toBe(EXIT_CODE.usage);
});

test('a key that was pasted instead of its path is not repeated', () => {
  const key = JSON.stringify(files.get('door.key'));
  const problem = problemOf(MINIMAL.replace('key: door.key', `key: ${key}`), files);
  expect(problem).toBe(
    'listen.key: a text of several lines: no such file; give the path of a PEM file',
  );
});
