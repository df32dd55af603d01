// etcd as kube-apiserver calls it (etcd client/v3/kubernetes/client.go): Get, List and Count are
// Ranges, and every write is a Txn that compares the revision which its object was last changed at.
import encoding from 'k6/encoding';
import exec from 'k6/execution';
import { Counter, Trend } from 'k6/metrics';
import grpc from 'k6/net/grpc';
import { ETCD, RUN_ID } from './target.ts';

/** Also in loadtests/run/etcd-keys.ts, which removes them when k6 could not. */
export const PREFIX = `/evenkeel-load/${RUN_ID}/`;
// A LIST of 500 objects is more than the 4 MiB that gRPC takes by default, once they are large.
const MAX_RECEIVE_BYTES = 64 * 1024 * 1024;

/** What comes on streams has no duration of its own in k6. Read by loadtests/run/samples.ts. */
const streamLatency = new Trend('evenkeel_stream_latency', true);
const failures = new Counter('evenkeel_failures');

/** int64 is text in the JSON form of protobuf, and left out where it is 0. */
interface KeyValue {
  readonly modRevision?: string;
  /** In base64. */
  readonly value?: string;
}

export interface RangeResponse {
  readonly header?: { readonly revision?: string };
  readonly kvs?: readonly KeyValue[];
}

export interface WatchResponse {
  readonly created?: boolean;
  readonly canceled?: boolean;
  readonly events?: readonly { readonly type?: string; readonly kv?: KeyValue }[];
}

export function bytes(text: string): string {
  return encoding.b64encode(text);
}

/** The first key behind all that begin with `prefix`, whose last character is ASCII. */
export function behind(prefix: string): string {
  const last = prefix.length - 1;
  return bytes(prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1));
}

/** Each virtual user keeps to one member, and all members get the same number of users. */
export function connectTo(client: grpc.Client): void {
  const address = ETCD[exec.vu.idInTest % ETCD.length] ?? '';
  client.connect(address, { plaintext: true, maxReceiveSize: MAX_RECEIVE_BYTES });
}

/** The message of a unary call, empty when it failed; k6 measures it under `name`. */
export function call<T extends object>(
  client: grpc.Client,
  name: string,
  method: string,
  message: object,
): Partial<T> {
  const tags = { name: `etcd ${name}` };
  const answer = client.invoke(`etcdserverpb.${method}`, message, { tags });
  return answer.status === grpc.StatusOK ? (answer.message as Partial<T>) : {};
}

export function range(client: grpc.Client, name: string, message: object): Partial<RangeResponse> {
  return call<RangeResponse>(client, name, 'KV/Range', message);
}

/** The revision that `key` was last changed at; 0 where there is none. */
export function revisionOf(client: grpc.Client, key: string): string {
  const { kvs = [] } = range(client, 'get', { key: bytes(key), limit: 1 });
  return kvs[0]?.modRevision ?? '0';
}

/** A compare that does not hold is an error here: each key is written by one virtual user. */
export function write(
  client: grpc.Client,
  name: string,
  at: { readonly key: string; readonly revision: string; readonly value?: string },
): void {
  const key = bytes(at.key);
  const then =
    at.value === undefined
      ? { request_delete_range: { key } }
      : { request_put: { key, value: bytes(at.value) } };
  const { header, succeeded } = call<{ header: object; succeeded: boolean }>(
    client,
    name,
    'KV/Txn',
    {
      compare: [{ result: 'EQUAL', target: 'MOD', key, mod_revision: at.revision }],
      success: [then],
      failure: [{ request_range: { key } }],
    },
  );
  // A call that failed is counted by its status.
  if (header !== undefined && succeeded !== true) failures.add(1, { name: `etcd ${name}` });
}

/** k6 measures the whole life of a stream, which says nothing: the tag keeps it out. */
export function openStream(client: grpc.Client, method: string): grpc.Stream {
  const tags = { name: `etcd ${method}`, stream: 'yes' };
  return new grpc.Stream(client, `etcdserverpb.${method}`, { tags });
}

export function streamed(name: string, sinceMs: number): void {
  streamLatency.add(Date.now() - sinceMs, { name: `etcd ${name}` });
}

export function streamFailed(name: string): void {
  failures.add(1, { name: `etcd ${name}` });
}
