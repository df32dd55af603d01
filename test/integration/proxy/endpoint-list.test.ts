// The list of endpoints changes while the door is open and has clients, who are to notice nothing.
import { once } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import { afterEach, expect, test, vi } from 'vitest';
import { type DoorFixture, fetchAnswer, openTestDoor } from '../../support/open-door.ts';
import { answer } from '../../support/scripted-apiserver.ts';
import { openSimulatedDoor, type SimulatedDoor } from './watch/simulated-door.ts';
import type { WatchClient, WatchOptions } from './watch/watch-client.ts';

const LIMIT = { timeout: 15_000, interval: 20 };
const GET = { ':path': '/api/v1/namespaces/default' };
const KINDS: readonly Pick<WatchOptions, 'protocol' | 'encoding'>[] = [
  { protocol: 'h2', encoding: 'json' },
  { protocol: 'h2', encoding: 'protobuf' },
  { protocol: 'http1', encoding: 'json' },
  { protocol: 'http1', encoding: 'protobuf' },
];

let fixture: SimulatedDoor;
let scripted: DoorFixture | undefined;
let writing: NodeJS.Timeout | undefined;

afterEach(async () => {
  clearInterval(writing);
  await scripted?.close();
  if (scripted === undefined) await fixture.close();
  scripted = undefined;
});

function named(index: number): { readonly name: string; readonly url: string } {
  const { name, url } = fixture.replica(index);
  return { name, url };
}

async function open(listed: readonly number[]): Promise<void> {
  fixture = await openSimulatedDoor({
    simulator: { historySize: 20_000 },
    listed: (replicas) =>
      listed.map((index) => {
        const replica = replicas[index];
        if (replica === undefined) throw new Error(`no replica ${index}`);
        return { name: replica.name, url: replica.url };
      }),
  });
}

function keepWriting(): void {
  let turn = 0;
  writing = setInterval(() => {
    turn += 1;
    fixture.write(`object-${turn % 20}`, 200);
  }, 5);
}

async function untilMore(events: number): Promise<void> {
  const wanted = fixture.history.length + events;
  await vi.waitFor(() => expect(fixture.history.length).toBeGreaterThan(wanted), LIMIT);
}

function watches(count: number): Promise<WatchClient[]> {
  const query = `resourceVersion=${fixture.revision}`;
  return Promise.all(
    Array.from({ length: count }, (_, i) => fixture.watch(query, KINDS[i % KINDS.length])),
  );
}

/** Every client has every event, in order and once, and is still open. */
async function expectWhole(clients: readonly WatchClient[]): Promise<void> {
  clearInterval(writing);
  await vi.waitFor(() => {
    for (const { events } of clients) {
      expect(events.length).toBeGreaterThanOrEqual(fixture.history.length);
    }
  }, LIMIT);
  for (const client of clients) {
    expect(client.events).toEqual(fixture.history);
    expect(client.end).toBeUndefined();
  }
}

interface Row {
  readonly name: string;
  readonly url: string;
  readonly state: string;
}

async function rows(): Promise<Row[]> {
  const page = await fetch(`http://127.0.0.1:${fixture.door.adminPort}/debug/endpoints`);
  const { endpoints } = (await page.json()) as { endpoints: Row[] };
  return endpoints.map(({ name, url, state }) => ({ name, url, state }));
}

async function metrics(): Promise<string> {
  return (await fetch(`http://127.0.0.1:${fixture.door.adminPort}/metrics`)).text();
}

/** Sends requests, one after the other, until it is told to stop. */
function keepAsking(): () => Promise<Set<number>> {
  const session = fixture.session();
  const statuses = new Set<number>();
  const state = { stopped: false };
  const asking = (async () => {
    while (!state.stopped) statuses.add((await fetchAnswer(session, GET)).status);
  })();
  return async () => {
    state.stopped = true;
    await asking;
    return statuses;
  };
}

/** No connection of the door is left there, those for health checks among them. */
async function untilLeft(index: number): Promise<void> {
  await vi.waitFor(
    () =>
      expect(fixture.replica(index).stats()).toMatchObject({ openConnections: 0, openWatches: 0 }),
    LIMIT,
  );
}

test('an added endpoint is checked, then gets requests and its share of new watches', async () => {
  await open([0, 1]);
  fixture.list([named(0), named(1), named(2)]);
  await vi.waitFor(() => expect(fixture.door.readyEndpoints()).toBe(3), LIMIT);
  const session = fixture.session();
  const name = fixture.replica(2).name;
  await vi.waitFor(async () => {
    expect((await fetchAnswer(session, GET)).status).toBe(200);
    expect(
      await fixture.metric(`evenkeel_requests_total{verb="GET",group="",resource="namespaces"`),
    ).toBeGreaterThan(0);
    expect(await metrics()).toMatch(
      new RegExp(`evenkeel_requests_total\\{.*endpoint="${name}"\\} [1-9]`),
    );
  }, LIMIT);
  const clients = await watches(12);
  expect(fixture.replica(2).stats().openWatches).toBeGreaterThan(0);
  fixture.write('one');
  await expectWhole(clients);
});

test('watches of a removed endpoint go on at others, and no client has an end or a gap', async () => {
  await open([0, 1, 2]);
  const clients = await watches(24);
  expect(fixture.replica(2).stats().openWatches).toBeGreaterThan(0);
  keepWriting();
  await untilMore(50);
  const stop = keepAsking();
  fixture.list([named(0), named(1)]);
  await untilLeft(2);
  await untilMore(50);
  expect(await stop()).toEqual(new Set([200]));
  await expectWhole(clients);
  const moved = 'evenkeel_watch_continuations_total{reason="removed",result="continued"}';
  expect(await fixture.metric(moved)).toBeGreaterThan(0);
  // None was cut off before it went on.
  expect(await fixture.metric('evenkeel_watch_gap_seconds_count')).toBe(0);
  const { name, running } = fixture.replica(2);
  expect(running).toBe(true);
  expect((await rows()).map((row) => row.name)).not.toContain(name);
  await vi.waitFor(async () => expect(await metrics()).not.toContain(`"${name}"`), LIMIT);
});

test('another address under the same name is an endpoint removed and one added', async () => {
  await open([0, 1]);
  const clients = await watches(8);
  keepWriting();
  await untilMore(20);
  const moved = { ...named(1), url: fixture.replica(2).url };
  fixture.list([named(0), moved]);
  await untilLeft(1);
  await vi.waitFor(async () => {
    expect(await rows()).toEqual([
      { ...named(0), state: 'ready' },
      { ...moved, state: 'ready' },
    ]);
  }, LIMIT);
  await expectWhole(clients);
  expect((await watches(8)).map(({ status }) => status)).toEqual(Array(8).fill(200));
  expect(fixture.replica(2).stats().openWatches).toBeGreaterThan(0);
  // It goes on to be shown, by the name that it shares with the one that is gone.
  expect(await metrics()).toContain(`endpoint="${moved.name}"`);
});

test('a list that is replaced whole turns away no request and ends no watch', async () => {
  await open([0]);
  const clients = await watches(8);
  keepWriting();
  const stop = keepAsking();
  await untilMore(20);
  fixture.list([named(1), named(2)]);
  await untilLeft(0);
  await untilMore(20);
  expect(await stop()).toEqual(new Set([200]));
  await expectWhole(clients);
});

test('the old endpoints serve on while nothing of the new list answers', async () => {
  await open([0]);
  const [client] = await watches(1);
  fixture.replica(1).kill();
  fixture.list([named(1)]);
  const states = async (): Promise<string[]> => (await rows()).map(({ state }) => state);
  await vi.waitFor(async () => expect(await states()).toEqual(['ready', 'not_ready']), LIMIT);
  expect((await fetchAnswer(fixture.session(), GET)).status).toBe(200);
  await fixture.replica(1).restart();
  await untilLeft(0);
  expect((await rows()).map(({ name }) => name)).toEqual([fixture.replica(1).name]);
  expect((await fetchAnswer(fixture.session(), GET)).status).toBe(200);
  fixture.write('one');
  await expectWhole(client === undefined ? [] : [client]);
});

/** A request that its apiserver has and has not answered yet. */
async function holdRequest(grace: string) {
  scripted = await openTestDoor(2, { drain: { timeout: grace, watchSpread: '50ms' } });
  const [one, two] = scripted.apiservers;
  if (one === undefined || two === undefined) throw new Error('no apiservers');
  const held = Promise.withResolvers<ServerHttp2Stream>();
  for (const apiserver of [one, two]) apiserver.behaviour = (stream) => held.resolve(stream);
  const asked = fetchAnswer(scripted.client(), GET);
  const stream = await held.promise;
  const [from, to] = one.seen.length > 0 ? [one, two] : [two, one];
  to.behaviour = (other) => answer(other, 200, 'from the other');
  return { fixture: scripted, asked, stream, from, to };
}

test('a request that a removed endpoint has is answered by it', async () => {
  const held = await holdRequest('30s');
  held.fixture.list([held.to]);
  // The next one shows that the removal has taken effect.
  const next = await fetchAnswer(held.fixture.client(), GET);
  expect(next).toMatchObject({ status: 200, body: 'from the other' });
  answer(held.stream, 200, 'in its own time');
  expect(await held.asked).toMatchObject({ status: 200, body: 'in its own time' });
});

test('a read that a removed endpoint does not answer within the grace is sent to another', async () => {
  const held = await holdRequest('100ms');
  const closed = once(held.stream, 'close');
  held.fixture.list([held.to]);
  expect(await held.asked).toMatchObject({ status: 200, body: 'from the other' });
  await closed;
});
