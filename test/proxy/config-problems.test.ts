import { expect, test } from 'vitest';
import { MINIMAL, makeFiles, problemOf } from './config-files.ts';

const files = makeFiles();

const LISTEN = 'listen: {certificate: door.crt, key: door.key}';
const UPSTREAM = 'upstream: {ca: ca.crt, endpoints: ["https://a:1"]}';

const listen = (text: string): string => `listen: {${text}}\n${UPSTREAM}`;
const upstream = (text: string): string => `${LISTEN}\nupstream: {${text}}`;
const endpoints = (text: string): string => upstream(`ca: ca.crt, endpoints: ${text}`);
const also = (text: string): string => `${MINIMAL}${text}`;

// What stands in the file, and the one line that it gives.
const PROBLEMS: [string, string][] = [
  ['', 'listen: missing, expected a section of keys'],
  ['[]', 'expected a section of keys, got []'],
  ['a: b: c', 'line 1: not YAML: Nested mappings are not allowed in compact mappings'],
  ['a: 1\nb: 2\na: 3', 'line 3: not YAML: Map keys must be unique'],
  // Unknown keys, near and far.
  [also('helth: {}'), 'helth: unknown key, did you mean "health"?'],
  [listen('prot: 1'), 'listen.prot: unknown key, did you mean "port"?'],
  [
    also('balancing: {outlier: {maxEjctedPercent: 1}}'),
    'balancing.outlier.maxEjctedPercent: unknown key, did you mean "maxEjectedPercent"?',
  ],
  [
    endpoints('[{url: "https://a:1", nmae: x}]'),
    'upstream.endpoints[0].nmae: unknown key, did you mean "name"?',
  ],
  [also('log: {format: text}'), 'log.format: unknown key, expected one of level, sampleEvery'],
  [
    also('upstrem: {}').replace('upstream', 'x'),
    'x: unknown key, expected one of workers, listen, identity, frontProxy, upstream, health, balancing, watches, retry, limits, drain, admin, log',
  ],
  // Missing and mistyped.
  [LISTEN, 'upstream: missing, expected a section of keys'],
  [listen('key: door.key'), 'listen.certificate: missing, expected the path of a PEM file'],
  [
    listen('certificate: door.crt, key: door.key, port: https'),
    'listen.port: expected a port from 0 (any free one) to 65535, got "https"',
  ],
  [
    listen('certificate: door.crt, key: door.key, port: 70000'),
    'listen.port: expected a port from 0 (any free one) to 65535, got 70000',
  ],
  [
    listen('certificate: door.crt, key: door.key, port: 1.5'),
    'listen.port: expected a port from 0 (any free one) to 65535, got 1.5',
  ],
  [also('identity: {sendUid: yes}'), 'identity.sendUid: expected true or false, got "yes"'],
  [
    also('log: {level: loud}'),
    'log.level: expected one of trace, debug, info, warn, error, silent, got "loud"',
  ],
  [
    also('health: {interval: 5}'),
    'health.interval: expected a duration with its unit, like "500ms", "10s" or "5m", got 5',
  ],
  [
    also('health: {interval: 0s}'),
    'health.interval: expected a duration with its unit, like "500ms", "10s" or "5m", got "0s"',
  ],
  [
    also('health: {path: readyz}'),
    'health.path: expected a path that begins with "/", got "readyz"',
  ],
  [
    also('limits: {header: 64kB}'),
    'limits.header: expected a size with its unit, like "64KiB" or "3MiB", got "64kB"',
  ],
  [
    also('retry: {maxAttempts: 0}'),
    'retry.maxAttempts: expected a whole number from 1 to 10, got 0',
  ],
  [also('drain: 60s'), 'drain: expected a section of keys, got "60s"'],
  // Endpoints.
  [
    upstream('ca: ca.crt'),
    'upstream.endpoints: missing, expected a list of at least one kube-apiserver address',
  ],
  [
    endpoints('[]'),
    'upstream.endpoints: expected a list of at least one kube-apiserver address, got []',
  ],
  [
    endpoints('[7]'),
    'upstream.endpoints[0]: expected an address like "https://10.0.0.1:6443", or a section with url and name, got 7',
  ],
  ...[
    'http://a:1',
    'a:1',
    'https://a:1/x',
    'https://u:p@a:1',
    'https://a:1?x',
    'https://a:99999',
  ].map((url): [string, string] => [
    endpoints(`["https://b:1", "${url}"]`),
    `upstream.endpoints[1].url: expected an address like "https://10.0.0.1:6443", without a path, got "${url}"`,
  ]),
  [
    endpoints('["https://a:1", "https://A:1"]'),
    'upstream.endpoints: "a:1" stands twice; once is enough',
  ],
  [
    endpoints('[{url: "https://a:1", name: x}, {url: "https://b:1", name: x}]'),
    'upstream.endpoints: "x" stands twice; once is enough',
  ],
  [
    endpoints('[{url: "https://a:1", name: x}, {url: "https://a:1", name: y}]'),
    'upstream.endpoints: "a:1" stands twice; once is enough',
  ],
  // Keys that must agree.
  [
    also('identity: {clientCA: ca.crt}'),
    'frontProxy: missing, but identity.clientCA is set; give the certificate and key by which the apiservers believe the X-Remote-* headers (their --requestheader-client-ca-file)',
  ],
  [also('drain: {timeout: 5s}'), 'drain.watchSpread: 20s is longer than drain.timeout (5s)'],
  [
    also('balancing: {outlier: {baseEjection: 10m}}'),
    'balancing.outlier.baseEjection: 10m is longer than balancing.outlier.maxEjection (5m)',
  ],
  // Files.
  [
    listen('certificate: none.crt, key: door.key'),
    'listen.certificate: "none.crt": no such file; give the path of a PEM file',
  ],
  [
    listen('certificate: secret, key: door.key'),
    'listen.certificate: "secret": cannot be read (EACCES); give the path of a PEM file',
  ],
  [
    listen('certificate: not-pem.txt, key: door.key'),
    'listen.certificate: "not-pem.txt" holds no PEM certificate',
  ],
  [
    listen('certificate: broken.crt, key: door.key'),
    'listen.certificate: "broken.crt" holds a certificate that cannot be read',
  ],
  [
    listen('certificate: door.crt, key: door.crt'),
    'listen.key: "door.crt" holds no PEM private key without a password',
  ],
  [
    listen('certificate: door.crt, key: other.key'),
    'listen.key: "other.key" is not the key of "door.crt"; give the pair that was made together',
  ],
  [
    listen('certificate: client-only.crt, key: door.key'),
    'listen.certificate: "client-only.crt" is not for server authentication; it needs the extended key usage serverAuth',
  ],
  [
    upstream('ca: not-pem.txt, endpoints: ["https://a:1"]'),
    'upstream.ca: "not-pem.txt" holds no PEM certificate',
  ],
];

test.each(PROBLEMS)('%j is refused with its name and what to do', (text, message) => {
  expect(problemOf(text, files)).toBe(message);
});

test.each([
  [
    'expired.crt',
    /^listen\.certificate: "expired\.crt" expired at \d{4}-.*Z; renew the certificate$/,
  ],
  ['early.crt', /^listen\.certificate: "early\.crt" is valid from \d{4}-.*Z on; check the clock$/],
])('%s is refused with the time', (name, message) => {
  expect(problemOf(listen(`certificate: ${name}, key: door.key`), files)).toMatch(message);
});

test('a CA bundle is refused when all of it has expired, not when a part has', () => {
  expect(problemOf(upstream('ca: expired.crt, endpoints: ["https://a:1"]'), files)).toMatch(
    /^upstream\.ca: "expired\.crt" expired at /,
  );
  expect(problemOf(upstream('ca: rotating-ca.crt, endpoints: ["https://a:1"]'), files)).toBe('');
});

test('every message is one line', () => {
  for (const [text] of PROBLEMS) expect(problemOf(text, files)).not.toContain('\n');
});
