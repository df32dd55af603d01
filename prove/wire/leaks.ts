// Many requests and watches that come and go; then the door has to be what it was before.
import { type ClientHttp2Session, connect } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import { SMALL_PATH, settle, TOKEN, type Victim } from './victim.ts';

export interface LeakCounts {
  readonly requests: number;
  readonly watches: number;
}

/** What a process holds, by its own metrics. */
export interface Held {
  readonly connections: number;
  readonly requests: number;
  readonly fileDescriptors: number;
  /** Timers, sockets and the like, as Node counts them. */
  readonly activeResources: number;
  readonly heapMib: number;
}

const CONNECTIONS = 4;
const AT_ONCE = 50;
const WATCH_PATH = '/api/v1/namespaces/default/configmaps?watch=true';
const LEAVE_LIMIT_MS = 10_000;
/** Heap is given back when it suits the collector; looked at until it is low or this is over. */
const HEAP_LIMIT_MS = 15_000;
const POLL_MS = 500;

/** What is held before, after a first tenth (so that caches and pools are warm), and at the end. */
export async function findLeaks(
  victim: Victim,
  counts: LeakCounts,
  say: (line: string) => void = () => {},
): Promise<{ readonly warm: Held; readonly end: Held }> {
  await churn(victim, { requests: counts.requests / 10, watches: counts.watches / 10 });
  const warm = await held(victim);
  say(`warm: ${JSON.stringify(warm)}`);
  await churn(victim, counts);
  let end = await held(victim);
  const endMs = performance.now() + HEAP_LIMIT_MS;
  while (end.heapMib > warm.heapMib && performance.now() < endMs) {
    // The collector runs as garbage is made, and the metrics themselves make some.
    await delay(POLL_MS);
    const now = await held(victim);
    if (now.heapMib < end.heapMib) end = now;
  }
  say(`end: ${JSON.stringify(end)}`);
  return { warm, end };
}

async function churn(victim: Victim, { requests, watches }: LeakCounts): Promise<void> {
  const sessions = Array.from({ length: CONNECTIONS }, () =>
    connect(`https://127.0.0.1:${victim.door.port}`, { ca: victim.ca }),
  );
  for (const session of sessions) session.on('error', () => {});
  await Promise.all(
    sessions.map((session) => repeat(requests / CONNECTIONS, () => ask(session, SMALL_PATH))),
  );
  await Promise.all(
    sessions.map((session) => repeat(watches / CONNECTIONS, () => watchAndLeave(session))),
  );
  for (const session of sessions) session.destroy();
  await settle(victim, 0, LEAVE_LIMIT_MS);
}

/** Runs `once` so often, some at a time. */
async function repeat(count: number, once: () => Promise<void>): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await once();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function ask(session: ClientHttp2Session, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stream = session.request({ ':path': path, authorization: `Bearer ${TOKEN}` });
  let status = 0;
  stream.on('response', (headers) => {
    status = Number(headers[':status']);
  });
  stream.on('error', () => {});
  stream.on('close', () => {
    if (status === 200) resolve();
    else reject(new Error(`GET ${path}: status ${status}`));
  });
  stream.resume();
  return promise;
}

/** Leaves at the first event, as an informer that is stopped. */
function watchAndLeave(session: ClientHttp2Session): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stream = session.request({ ':path': WATCH_PATH, authorization: `Bearer ${TOKEN}` });
  stream.on('error', () => {});
  stream.once('data', () => stream.close(8));
  stream.on('close', resolve);
  return promise;
}

async function held({ door }: Victim): Promise<Held> {
  const text = await (await fetch(`${door.adminUrl}/metrics`)).text();
  const sum = (name: string): number =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  return {
    connections: sum('evenkeel_client_connections'),
    requests: sum('evenkeel_requests_in_flight'),
    fileDescriptors: sum('process_open_fds'),
    activeResources: sum('nodejs_active_resources_total'),
    heapMib: sum('nodejs_heap_size_used_bytes') / 1024 / 1024,
  };
}
