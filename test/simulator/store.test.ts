import { expect, test } from 'vitest';
import type { StoreEvent } from '../../simulator/objects.ts';
import { Store } from '../../simulator/store.ts';

function draft(name: string, value = '1') {
  return { metadata: { name, namespace: 'default', uid: name }, data: { value } };
}

test('every write takes the next revision, whatever the resource', () => {
  const store = new Store();
  store.create('pods', 'default/a', draft('a'));
  store.create('configmaps', 'default/a', draft('a'));
  store.update('pods', 'default/a', draft('a', '2'));
  store.delete('configmaps', 'default/a');
  expect(store.revision).toBe(4);
  expect(store.get('pods', 'default/a')?.metadata.resourceVersion).toBe('3');
  expect(store.get('configmaps', 'default/a')).toBeUndefined();
});

test('a write that lost the race is refused and makes no revision', () => {
  const store = new Store();
  store.create('pods', 'default/a', draft('a'));
  store.update('pods', 'default/a', draft('a', '2'), '1');
  expect(store.update('pods', 'default/a', draft('a', '3'), '1')).toBe('conflict');
  expect(store.create('pods', 'default/a', draft('a'))).toBe('exists');
  expect(store.delete('pods', 'default/b')).toBe('missing');
  expect(store.revision).toBe(2);
});

test('a list at an old revision shows what was there then', () => {
  const store = new Store();
  store.create('pods', 'default/b', draft('b'));
  store.create('pods', 'default/a', draft('a'));
  store.delete('pods', 'default/b');
  store.create('pods', 'other/c', draft('c'));
  const names = (prefix: string, revision?: number) =>
    store.list('pods', prefix, revision).map(({ metadata }) => metadata.name);
  expect(names('', 2)).toEqual(['a', 'b']);
  expect(names('default/', 4)).toEqual(['a']);
  expect(names('')).toEqual(['a', 'c']);
});

test('listeners hear every change in order, with the state before it', () => {
  const store = new Store();
  const events: StoreEvent[] = [];
  const end = store.subscribe((event) => events.push(event));
  store.create('pods', 'default/a', draft('a'));
  store.update('pods', 'default/a', draft('a', '2'));
  store.delete('pods', 'default/a');
  end();
  store.create('pods', 'default/b', draft('b'));
  expect(events.map(({ type, revision }) => [type, revision])).toEqual([
    ['ADDED', 1],
    ['MODIFIED', 2],
    ['DELETED', 3],
  ]);
  expect(events[2]?.object.metadata.resourceVersion).toBe('3');
  expect(events[2]?.previous?.metadata.resourceVersion).toBe('2');
});

test('compaction keeps what the compacted revision itself needs, and drops deleted keys', () => {
  const store = new Store();
  store.create('pods', 'default/a', draft('a'));
  store.create('pods', 'default/b', draft('b'));
  store.update('pods', 'default/a', draft('a', '2'));
  store.delete('pods', 'default/b');
  store.compact(3);
  expect(store.compactedRevision).toBe(3);
  expect(store.list('pods', '', 3).map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
  store.compact(4);
  expect(store.list('pods', '', 4).map(({ metadata }) => metadata.name)).toEqual(['a']);
});

test('a store that is only written to compacts itself to its history size', () => {
  const store = new Store({ historySize: 10 });
  store.create('pods', 'default/a', draft('a'));
  for (let index = 0; index < 100; index++) {
    store.update('pods', 'default/a', draft('a', String(index)));
  }
  expect(store.revision).toBe(101);
  expect(store.compactedRevision).toBeGreaterThanOrEqual(88);
  expect(store.list('pods', '', 95)).toHaveLength(1);
});
