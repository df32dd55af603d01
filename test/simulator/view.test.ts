import { expect, test } from 'vitest';
import { Store } from '../../simulator/store.ts';
import { View } from '../../simulator/view.ts';

function write(store: Store, name: string): void {
  store.create('pods', `default/${name}`, { metadata: { name, namespace: 'default', uid: name } });
}

test('a view knows what was there before it, but no event of it', () => {
  const store = new Store();
  write(store, 'a');
  const view = new View(store, { historySize: 10 });
  write(store, 'b');
  expect(view.list('pods').map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
  expect(view.eventsSince('pods', 1).map(({ key }) => key)).toEqual(['default/b']);
  expect(() => view.eventsSince('pods', 0)).toThrow('too old resource version: 0 (1)');
});

test('a revision from the future has no events and is no error', () => {
  const view = new View(new Store(), { historySize: 10 });
  expect(view.eventsSince('pods', 1_000_000)).toEqual([]);
});

test('the history of one resource is bounded and does not cost another one its own', () => {
  const store = new Store();
  const view = new View(store, { historySize: 2 });
  store.create('secrets', 'default/s', { metadata: { name: 's', namespace: 'default', uid: 's' } });
  for (const name of ['a', 'b', 'c']) write(store, name);
  expect(view.eventsSince('pods', 2).map(({ key }) => key)).toEqual(['default/b', 'default/c']);
  expect(() => view.eventsSince('pods', 1)).toThrow('too old resource version: 1 (2)');
  expect(view.eventsSince('secrets', 0)).toHaveLength(1);
});

test('a lagging view shows nothing until it catches up, and then everything in order', async () => {
  const store = new Store();
  const view = new View(store, { historySize: 10 });
  const heard: string[] = [];
  view.listen('pods', ({ key }) => heard.push(key));
  view.setLag(60_000);
  write(store, 'a');
  write(store, 'b');
  expect(view.revision).toBe(0);
  await expect(view.waitFor(1, 5)).rejects.toThrow('Too large resource version: 1, current: 0');
  const fresh = view.waitFor(2, 60_000);
  view.setLag(0);
  await fresh;
  expect(heard).toEqual(['default/a', 'default/b']);
  view.close();
});

test('a lag of some milliseconds ends by itself', async () => {
  const store = new Store();
  const view = new View(store, { historySize: 10 });
  view.setLag(10);
  write(store, 'a');
  expect(view.revision).toBe(0);
  await view.waitFor(1, 5000);
  expect(view.get('pods', 'default/a')).toBeDefined();
  view.close();
});
