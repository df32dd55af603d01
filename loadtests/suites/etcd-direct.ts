// etcd without an apiserver, in the shapes that kube-apiserver has for it (etcd
// client/v3/kubernetes/client.go: Get, List, Count, OptimisticPut, OptimisticDelete). Writes are 90 %
// updates, 5 % creates and 5 % deletes, as in etcd's own model of Kubernetes
// (tests/robustness/traffic/kubernetes.go, Kubernetes). Beside them leases that are granted, kept alive
// and revoked, watches on prefixes with progress notifications, and compaction every 5 s, which
// kube-apiserver does every 5 min (k8s.io/apiserver pkg/storage/etcd3/compact.go).
// Two writes and one read per node and second: 200/s and 100/s on 100 nodes, with values of 1 kB.
// All keys are below one prefix of the run's own. Nothing in it is random.
import encoding from 'k6/encoding';
import exec from 'k6/execution';
import grpc from 'k6/net/grpc';
import {
  behind,
  bytes,
  call,
  connectTo,
  openStream,
  PREFIX,
  range,
  revisionOf,
  streamed,
  streamFailed,
  type WatchResponse,
  write,
} from '../lib/etcd.ts';
import { flowOptions, markPhase } from '../lib/flow.ts';
import { NODES } from '../lib/target.ts';

const WRITES_PER_NODE_SECOND = 2;
const READS_PER_NODE_SECOND = 1;
const LEASES_PER_NODE_SECOND = 0.05;
const WATCHES_PER_NODE_SECOND = 0.02;
const WATCH_MS = 5000;
const COMPACTIONS_PER_SECOND = 0.2;
const WRITES_PER_SECOND = NODES * WRITES_PER_NODE_SECOND;
// One create and one delete in twenty.
const MIX = 20;
// Keys live for about 2 s, so that a create has ended before its delete begins.
const LIFE_ITERATIONS = MIX * Math.ceil((2 * WRITES_PER_SECOND) / MIX);
// Revisions behind the newest that stay: more than are made while a LIST reads its second page.
const KEPT_REVISIONS = Math.ceil(5 * WRITES_PER_SECOND);
const WRITERS = Math.max(10, NODES);
const WATCHERS = Math.max(4, Math.ceil(2 * NODES * WATCHES_PER_NODE_SECOND * (WATCH_MS / 1000)));
const OBJECTS = PREFIX.concat('objects/');
const CHURN = PREFIX.concat('churn/');
const SHARDS = 10;
const PAGE = 20;
const LEASE_TTL_SECONDS = 60;
const PADDING = 'x'.repeat(1000);

const few = Math.max(10, Math.ceil(NODES / 4));
export const options = flowOptions([
  { exec: 'change', perSecond: WRITES_PER_SECOND, vus: WRITERS, independent: true },
  { exec: 'read', perSecond: NODES * READS_PER_NODE_SECOND, vus: few, independent: true },
  { exec: 'lease', perSecond: NODES * LEASES_PER_NODE_SECOND, vus: few, independent: true },
  { exec: 'watch', perSecond: NODES * WATCHES_PER_NODE_SECOND, vus: WATCHERS },
  { exec: 'compact', perSecond: COMPACTIONS_PER_SECOND, vus: 2 },
]);

const client = new grpc.Client();
client.load(['../lib'], 'etcd.proto');

/** The time is what a watcher takes the age of an event from. */
function value(): string {
  return `${Date.now()} ${PADDING}`;
}

/** Of one virtual user alone, so that nobody else changes its revision. */
function objectKey(number: number): string {
  return `${OBJECTS}${number % SHARDS}/${number}`;
}

function begin(): void {
  markPhase();
  if (exec.vu.iterationInScenario === 0) connectTo(client);
}

export function setup(): void {
  connectTo(client);
  for (let number = 0; number < NODES; number++) {
    write(client, 'set-up', {
      key: `${OBJECTS}${number % SHARDS}/seed-${number}`,
      revision: '0',
      value: value(),
    });
  }
  for (let number = -LIFE_ITERATIONS; number < 0; number += MIX) {
    write(client, 'set-up', { key: `${CHURN}${number}`, revision: '0', value: value() });
  }
  client.close();
}

export function change(): void {
  begin();
  const number = exec.scenario.iterationInTest;
  if (number % MIX === 0) {
    write(client, 'create', { key: `${CHURN}${number}`, revision: '0', value: value() });
  } else if (number % MIX === MIX / 2) {
    const key = `${CHURN}${number - MIX / 2 - LIFE_ITERATIONS}`;
    write(client, 'delete', { key, revision: revisionOf(client, key) });
  } else {
    const key = objectKey(exec.vu.idInTest);
    write(client, 'update', { key, revision: revisionOf(client, key), value: value() });
  }
}

/** A Count, a Get or a List of two pages at one revision, by turns. */
export function read(): void {
  begin();
  const number = exec.scenario.iterationInTest;
  const shard = `${OBJECTS}${number % SHARDS}/`;
  const all = { key: bytes(shard), range_end: behind(shard) };
  if (number % 4 === 0) {
    range(client, 'count', { ...all, count_only: true });
  } else if (number % 4 === 1) {
    const pages = { key: bytes(OBJECTS), range_end: behind(OBJECTS), limit: PAGE };
    const { header } = range(client, 'list', pages);
    const middle = bytes(`${OBJECTS}5/`);
    range(client, 'list-at', { ...pages, key: middle, revision: header?.revision ?? '0' });
  } else {
    range(client, 'get', { key: bytes(`${OBJECTS}${number % SHARDS}/seed-0`), limit: 1 });
  }
}

export function lease(): void {
  begin();
  const message = { TTL: LEASE_TTL_SECONDS };
  const { ID } = call<{ ID: string }>(client, 'lease-grant', 'Lease/LeaseGrant', message);
  if (ID === undefined) return;
  const stream = openStream(client, 'Lease/LeaseKeepAlive');
  const sentAtMs = Date.now();
  stream.on('data', () => {
    streamed('lease-keep-alive', sentAtMs);
    stream.end();
  });
  stream.on('error', () => streamFailed('lease-keep-alive'));
  stream.on('end', () => call(client, 'lease-revoke', 'Lease/LeaseRevoke', { ID }));
  stream.write({ ID });
}

/** As long as WATCH_MS; the connection is closed with it, as etcd does not end one that is half-closed. */
export function watch(): void {
  markPhase();
  connectTo(client);
  const shard = `${OBJECTS}${exec.scenario.iterationInTest % SHARDS}/`;
  const stream = openStream(client, 'Watch/Watch');
  const openedAtMs = Date.now();
  let closing = false;
  stream.on('data', (message) => {
    const { created, canceled, events = [] } = message as WatchResponse;
    if (created === true) streamed('watch-create', openedAtMs);
    else if (canceled === true && closing) client.close();
    else if (canceled === true) streamFailed('watch-event');
    for (const { kv } of events) {
      const text = encoding.b64decode(kv?.value ?? '', 'std', 's');
      if (text !== '') streamed('watch-event', Number.parseInt(text, 10));
    }
  });
  stream.on('error', () => {
    if (!closing) streamFailed('watch-event');
  });
  stream.write({
    create_request: { key: bytes(shard), range_end: behind(shard), progress_notify: true },
  });
  setTimeout(() => {
    closing = true;
    stream.write({ cancel_request: { watch_id: 0 } });
  }, WATCH_MS);
}

export function compact(): void {
  begin();
  const { header } = range(client, 'count', { key: bytes(OBJECTS), count_only: true });
  const revision = Number(header?.revision ?? '0') - KEPT_REVISIONS;
  if (revision > 0) call(client, 'compact', 'KV/Compact', { revision });
}

export function teardown(): void {
  connectTo(client);
  const all = { key: bytes(PREFIX), range_end: behind(PREFIX) };
  call(client, 'tear-down', 'KV/DeleteRange', all);
  client.close();
}
