// The contract of the door: the same request, direct and through it, has the same answer. What may
// differ is listed here, each with its reason; everything else is compared byte by byte.
import { gunzipSync } from 'node:zlib';
import { expect, vi } from 'vitest';
import { type Cluster, useCluster } from './support/cluster.ts';
import {
  type Facts,
  MAPS,
  PROTOBUF,
  READ_ROWS,
  type Row,
  SPACE,
  type User,
} from './support/conformance-rows.ts';
import { SLOW_ROWS, WRITE_ROWS } from './support/conformance-writes.ts';
import { type Answer, exchange, type Protocol, type Target } from './support/exchange.ts';

const { test, cluster } = useCluster({ prepare });

/** Header fields that are not compared. */
const HEADERS_THAT_DIFFER: Readonly<Record<string, readonly Protocol[]>> = {
  // The clock, and a name that the apiserver makes for each request.
  date: ['h2', 'http/1.1'],
  'audit-id': ['h2', 'http/1.1'],
  // When this replica made the document.
  'last-modified': ['h2', 'http/1.1'],
  // Framing is the business of each connection (RFC 9112, section 6). Go frames a body that is
  // longer than its buffer in chunks, and the buffer is 2048 bytes here and 4096 with HTTP/2, which
  // is what the door speaks with the apiserver.
  'content-length': ['http/1.1'],
  'transfer-encoding': ['http/1.1'],
  // Of one connection (RFC 9110, section 7.6.1).
  connection: ['http/1.1'],
  'keep-alive': ['http/1.1'],
};

let facts: Facts;

async function prepare(at: Cluster): Promise<void> {
  const make = async (path: string, body: object): Promise<void> => {
    const { status, body: text } = await ask(at, at.direct.url, 'h2', {
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(status, text.toString()).toBe(201);
  };
  await make('/api/v1/namespaces', { metadata: { name: 'conformance' } });
  const before = await ask(at, at.direct.url, 'h2', { method: 'GET', path: MAPS });
  const { resourceVersion } = JSON.parse(before.body.toString()).metadata;
  const names = ['one', 'two', 'three', 'four', 'five'];
  for (const name of names) {
    const labels = { color: name === 'one' ? 'red' : 'blue' };
    // Larger than 128 KiB together, below which the apiserver does not compress.
    await make(MAPS, { metadata: { name, labels }, data: { a: '1', filler: 'y'.repeat(40_000) } });
  }
  await make(`${SPACE}/serviceaccounts`, { metadata: { name: 'default' } });
  await make(`${SPACE}/secrets`, { metadata: { name: 'token' }, stringData: { a: 'b' } });
  const read = async (path: string, accept = 'application/json'): Promise<Answer> =>
    ask(at, at.direct.url, 'h2', { method: 'GET', path, headers: { accept } });
  facts = {
    version: resourceVersion,
    continue: JSON.parse((await read(`${MAPS}?limit=2`)).body.toString()).metadata.continue,
    configMap: (await read(`${MAPS}/one`)).body.toString(),
    configMapProtobuf: (await read(`${MAPS}/one`, PROTOBUF)).body,
    etag: String((await read('/openapi/v2')).headers.etag),
  };
  await untilAllHave(at, names.length);
}

/** Reads from a replica's cache are compared too, so all caches must have everything. */
async function untilAllHave(at: Cluster, count: number): Promise<void> {
  for (const { url } of at.replicas) {
    await vi.waitFor(async () => {
      const path = `${MAPS}?resourceVersion=0`;
      const { body } = await ask(at, url, 'h2', { method: 'GET', path });
      expect(JSON.parse(body.toString()).items).toHaveLength(count);
    }, 10_000);
  }
}

function identityOf({ pki, tokens }: Cluster, user: User): Target['identity'] {
  const certificate = pki.admin;
  if (user === 'admin') return { certificate };
  if (user === 'admin with a token') return { certificate, token: tokens.alice };
  if (user === 'alice') return { token: tokens.alice };
  return user === 'anonymous' ? {} : { token: 'not-a-token' };
}

function ask(at: Cluster, url: string, protocol: Protocol, row: Row): Promise<Answer> {
  const { method, path, headers, body, as = 'admin' } = row;
  const target = { url, ca: at.pki.clusterCa.cert, identity: identityOf(at, as) };
  return exchange(protocol, target, {
    method,
    path: fill(path),
    ...(headers === undefined
      ? {}
      : { headers: Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, fillAny(v)])) }),
    body: typeof body === 'function' ? body(facts) : body,
  });
}

function fill(text: string): string {
  return text.replaceAll(/\{(version|continue|etag)\}/g, (_, name: 'version') => facts[name]);
}

function fillAny<T>(value: T): T | string {
  return typeof value === 'string' ? fill(value) : value;
}

/** What is compared: the answer without what may differ, or why there is none. */
async function comparable(url: string, protocol: Protocol, row: Row): Promise<unknown> {
  let answer: Answer;
  try {
    answer = await ask(cluster(), url, protocol, row);
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
  const body = comparableBody(answer, row);
  const headers = Object.entries(answer.headers).filter(
    ([name]) =>
      !HEADERS_THAT_DIFFER[name]?.includes(protocol) &&
      // An age of 9s becomes one of 10s.
      !(name === 'content-length' && body.includes('"age"]')),
  );
  return { ...answer, headers: Object.fromEntries(headers), body };
}

function comparableBody({ headers, body }: Answer, { varies = [] }: Row): string {
  const plain = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
  let text = plain
    .toString('latin1')
    // The apiserver's own address, in /api.
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:port')
    // The last column of a table: how long ago the object was made.
    .replaceAll(AGE, '"age"]');
  if (varies.includes('list')) for (const part of OF_A_LIST) text = text.replaceAll(part, '$1?');
  if (varies.includes('made')) text = text.replaceAll(MADE, '$1?');
  if (!varies.includes('initial')) return text;
  return text.split('\n').filter(isPromised).toSorted().join('\n');
}

/** An apiserver sends a bookmark when it likes, but one at the end of the initial events. */
function isPromised(line: string): boolean {
  return !line.startsWith('{"type":"BOOKMARK"') || line.includes('initial-events-end');
}

const AGE = /"\d+[smh][\dsmh]*"\]/g;
const OF_A_LIST = [
  // Lists, tables and bookmarks; the metadata of an object begins with its name.
  /("metadata":\{"resourceVersion":")\d+/g,
  /("continue":")[^"]*/g,
  /(^metadata:\n {2}resourceVersion: ")\d+/gm,
  // Protobuf: the type, a few bytes of framing, ListMeta.resourceVersion.
  /^(k8s[\s\S]{0,40}List[\s\S]{1,30}?)\d{3,}/g,
  /(too old resource version: 1 \()\d+/g,
  /(Too large resource version: 999999999, current: )\d+/g,
];
const MADE = /("(?:uid|creationTimestamp|time)":")[^"]*/g;

function nameOf({ method, path, as = 'admin', note = '' }: Row): string {
  return `${method} ${path.slice(0, 80)} by ${as} ${note.slice(0, 80)}`.trim();
}

for (const protocol of ['h2', 'http/1.1'] as const) {
  for (const row of [...READ_ROWS, ...WRITE_ROWS]) {
    if (row.only !== undefined && row.only !== protocol) continue;
    test(`${protocol}: ${nameOf(row)}`, async () => {
      const proxied = await comparable(cluster().door.url, protocol, row);
      if (row.otherwise === undefined) {
        expect(proxied).toEqual(await comparable(cluster().direct.url, protocol, row));
      } else if (row.otherwise.status === 0) {
        expect(proxied, row.otherwise.why).toMatch(/NGHTTP2_PROTOCOL_ERROR/);
      } else {
        expect(proxied, row.otherwise.why).toMatchObject({ status: row.otherwise.status });
      }
    });
  }

  test(`${protocol}: ${SLOW_ROWS.length} slow requests and watches`, async () => {
    const both = async (row: Row) => {
      const urls = [cluster().direct.url, cluster().door.url];
      return Promise.all(urls.map((url) => comparable(url, protocol, row)));
    };
    const pairs = await Promise.all(
      SLOW_ROWS.map(async (row) => ({ row: nameOf(row), pair: await both(row) })),
    );
    for (const { row, pair } of pairs) expect(pair[1], row).toEqual(pair[0]);
  });
}
