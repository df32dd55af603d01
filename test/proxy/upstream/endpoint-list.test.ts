import { beforeEach, expect, test } from 'vitest';
import { Endpoint } from '../../../proxy/upstream/endpoint.ts';
import { type EndpointAddress, EndpointList } from '../../../proxy/upstream/endpoint-list.ts';

const GRACE_MS = 1000;
let nowMs: number;
let told: string[];
let list: EndpointList;

function address(name: string, port = 6443): EndpointAddress {
  return { name, host: '127.0.0.1', port };
}

function create(of: EndpointAddress): Endpoint {
  return new Endpoint({
    ...of,
    health: { healthyAfter: 1, unhealthyAfter: 1 },
    outlier: { consecutiveFailures: 1, baseEjectionMs: 10, maxEjectionMs: 10 },
    nowMs: () => nowMs,
    mayEject: () => true,
    onChange: (endpoint: Endpoint, what: string) => told.push(`${endpoint.name} says ${what}`),
  } as unknown as ConstructorParameters<typeof Endpoint>[0]);
}

function named(name: string): Endpoint {
  const found = list.current.find((one) => one.name === name);
  if (found === undefined) throw new Error(`${name} is not on the list`);
  return found;
}

function names(): string[] {
  return list.current.map(({ name }) => name);
}

beforeEach(() => {
  nowMs = 0;
  told = [];
  list = new EndpointList([address('a'), address('b', 6444)], create, () => nowMs);
  for (const endpoint of list.current) endpoint.checked(true, '');
  told = [];
  list.followedBy(
    {
      onList: (endpoints) => told.push(`list ${endpoints.map(({ name }) => name).join(' ')}`),
      onChange: ({ name }, what) => told.push(`${name} ${what}`),
      onLeaving: ({ name }) => told.push(`${name} leaving`),
      onHeld: (endpoints) => told.push(`held ${endpoints.map(({ name }) => name).join(' ')}`),
      onGone: ({ name }, cut) => told.push(`${name} ${cut ? 'cut' : 'gone'}`),
    },
    GRACE_MS,
  );
});

test('the same list again changes nothing and tells nobody', () => {
  const before = list.current;
  list.replace([address('a'), address('b', 6444)]);
  expect(list.current).toBe(before);
  expect(told).toEqual([]);
});

test('an endpoint that stays is the same one, with its health; a new one has to show its own', () => {
  const a = named('a');
  list.replace([address('c', 6445), address('a')]);
  expect(names()).toEqual(['c', 'a']);
  expect(named('a')).toBe(a);
  expect(a.available).toBe(true);
  expect(named('c').available).toBe(false);
  expect(told).toContain('c added');
});

test('a removed endpoint is gone at once when it carries nothing', () => {
  const b = named('b');
  list.replace([address('a')]);
  expect(names()).toEqual(['a']);
  expect(told).toEqual(['list b a', 'list a', 'b removed', 'b leaving', 'b gone']);
  expect([...list.gone]).toEqual(['b']);
  expect(b.available).toBe(false);
});

test('a removed endpoint stays until what it carries is over', () => {
  const b = named('b');
  b.load.enter(false);
  list.replace([address('a')]);
  expect(list.leaving).toEqual([b]);
  nowMs += GRACE_MS - 1;
  list.settle();
  expect(list.all).toContain(b);
  b.load.leave(false);
  list.settle();
  expect(list.all).not.toContain(b);
  expect(told.at(-1)).toBe('b gone');
});

test('what a removed endpoint still carries at the deadline is cut', () => {
  named('b').load.enter(true);
  list.replace([address('a')]);
  nowMs += GRACE_MS;
  list.settle();
  expect(list.leaving).toEqual([]);
  expect(told.at(-1)).toBe('b cut');
});

test('another address under the same name is another endpoint', () => {
  const b = named('b');
  list.replace([address('a'), address('b', 7000)]);
  expect(named('b')).not.toBe(b);
  expect(named('b').url).toBe('https://127.0.0.1:7000');
  expect(named('b').available).toBe(false);
  expect(list.gone.size).toBe(0);
  expect(told.filter((line) => line.startsWith('b '))).toEqual([
    'b added',
    'b removed',
    'b leaving',
    'b gone',
  ]);
});

test('another name for the same address is another endpoint too', () => {
  list.replace([address('a'), address('z', 6444)]);
  expect(names()).toEqual(['a', 'z']);
  expect(named('z').available).toBe(false);
});

test('when all are replaced, the old ones serve until a new one is ready', () => {
  list.replace([address('c', 1), address('d', 2)]);
  expect(names()).toEqual(['a', 'b', 'c', 'd']);
  expect(told.filter((line) => line.startsWith('held'))).toEqual(['held a b']);
  nowMs += 100 * GRACE_MS;
  list.settle();
  expect(named('a').available).toBe(true);
  named('d').checked(true, '');
  list.settle();
  expect(names()).toEqual(['c', 'd']);
  expect(told.filter((line) => line.startsWith('held'))).toHaveLength(1);
});

test('old ones that could not serve either are not waited for', () => {
  for (const endpoint of list.current) endpoint.checked(false, '');
  list.replace([address('c', 1)]);
  expect(names()).toEqual(['c']);
});

test('one that comes back before its removal has taken effect has never been away', () => {
  const a = named('a');
  list.replace([address('c', 1)]);
  list.replace([address('a')]);
  list.settle();
  expect(list.current).toEqual([a]);
  expect(told).not.toContain('a removed');
});

test('one that comes back while it leaves is a fresh one', () => {
  const b = named('b');
  b.load.enter(true);
  list.replace([address('a')]);
  list.replace([address('a'), address('b', 6444)]);
  expect(named('b')).not.toBe(b);
  expect(list.leaving).toEqual([b]);
});

test('a removed endpoint that fails is not left out of a list that it is not on', () => {
  const b = named('b');
  b.load.enter(false);
  list.replace([address('a')]);
  b.failed('connection reset');
  expect(told.filter((line) => line.includes('ejected'))).toEqual([]);
  expect(b.acquire('anonymous', 'short')).toBeUndefined();
});
