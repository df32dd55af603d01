// Every node's agent lists all pods anew, as reflectors do whose revision has become too old: with no
// resourceVersion, so that the read is a consistent one, and in pages of 500 (client-go tools/cache/
// reflector.go, list and relistResourceVersion; tools/pager/pager.go, defaultPageSize).
// A node lists every 30 s, and there are ten pods on each: 3.3/s of 100 nodes, of 1,000 pods in two
// pages, so that the bytes grow with the square of the nodes. More than 5,000 pods are not made.
// Plain core objects. Nothing in it is random.
import { request } from '../lib/api.ts';
import { type Flow, flowOptions, markPhase } from '../lib/flow.ts';
import { createPod, loadName, makeNodes, removeAll } from '../lib/pods.ts';
import { NODES } from '../lib/target.ts';

const LIST_SECONDS = 30;
const PAGE_SIZE = 500;
const PODS_PER_NODE = 10;
// Set-up has five minutes, and takes some milliseconds for each.
const PODS = Math.min(5000, PODS_PER_NODE * NODES);
// A third of the nodes may wait at a time: 10 s of lists.
const AGENTS = Math.max(5, Math.ceil(NODES / 3));

export const flow: Flow = {
  exec: 'relist',
  perSecond: NODES / LIST_SECONDS,
  vus: AGENTS,
  independent: true,
};
export const options = flowOptions([flow]);

export function setup(): void {
  makeNodes();
  for (let index = 0; index < PODS; index++) createPod(loadName('pod', index));
  // Requests of pods do not throw, and a storm over fewer would look like a faster server.
  const made = list('').remaining;
  const beyond = Math.max(0, PODS - PAGE_SIZE);
  if (made < beyond) throw new Error(`set-up: ${made} pods beyond the first page, not ${beyond}`);
}

interface Page {
  readonly token: string;
  readonly remaining: number;
}

function list(token: string): Page {
  const query = `?limit=${PAGE_SIZE}${token === '' ? '' : `&continue=${token}`}`;
  const answer = request(
    { verb: 'LIST', resource: 'pods', scope: 'cluster' },
    `/api/v1/pods${query}`,
  );
  if (answer.status !== 200) return { token: '', remaining: 0 };
  // A megabyte is not parsed for two fields, which stand before the items.
  const head = answer.body.slice(0, 2000);
  return {
    token: encodeURIComponent(/"continue":"([^"]*)"/.exec(head)?.[1] ?? ''),
    remaining: Number(/"remainingItemCount":(\d+)/.exec(head)?.[1] ?? '0'),
  };
}

export function relist(): void {
  markPhase();
  let token = '';
  do token = list(token).token;
  while (token !== '');
}

export function teardown(): void {
  removeAll();
}
