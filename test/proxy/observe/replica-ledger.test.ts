import { expect, test } from 'vitest';
import { CountingReplica } from './support/counting-replica.ts';
import { TestReplica } from './support/replica-texts.ts';

const LEGACY = '/api/v1/watch/pods';
const PLAIN = '/api/v1/pods?watch=1';
const NAMED = '/api/v1/nodes?fieldSelector=metadata.name%3Dn1&watch=1';

/** What is misfiled, in short. */
function shown({ misfiled }: Awaited<ReturnType<TestReplica['read']>>): string[] {
  return misfiled.map(
    ({ count, resource, verb, scope }) => `${count} ${resource} ${verb} ${scope}`,
  );
}

/** Two readings, since one proves nothing. */
async function twice(test: TestReplica, replica: CountingReplica, atSeconds: number) {
  await test.read(replica.text, atSeconds);
  return shown(await test.read(replica.text, atSeconds + 1));
}

test('a replica that files watches as watches is not accused, whatever else it serves', async () => {
  const replica = new CountingReplica();
  const door = new TestReplica();
  for (let i = 0; i < 50; i++) replica.count('LIST', 'pods', 'cluster', '200', 0.1);
  door.ledger.add([replica.watch(LEGACY, 10, 20), replica.watch(PLAIN, 10, 30)]);
  door.ledger.add([replica.watch(NAMED, 10, 20)]);
  expect(await twice(door, replica, 100)).toEqual([]);
});

test('a watch that is missing among watches and may be among lists is misfiled', async () => {
  const replica = new CountingReplica({ mistakes: ['legacy'] });
  const door = new TestReplica();
  door.ledger.add([replica.watch(LEGACY, 10, 20), replica.watch(LEGACY, 10, 80)]);
  door.ledger.add([replica.watch('/api/v1/watch/pods?watch=false', 10, 11)]);
  door.ledger.add([replica.watch('/api/v1/watch/namespaces/a/pods/p', 10, 20)]);
  door.ledger.add([replica.watch(PLAIN, 10, 30)]);
  expect(await twice(door, replica, 100)).toEqual(['3 pods LIST cluster', '1 pods GET resource']);
});

test('one reading is no proof, for a replica that stood still may count late', async () => {
  const replica = new CountingReplica();
  const door = new TestReplica();
  replica.count('LIST', 'pods', 'cluster', '200', 0.1);
  const before = replica.text;
  door.ledger.add([replica.watch(LEGACY, 10, 20)]);
  expect(shown(await door.read(before, 100))).toEqual([]);
  expect(await twice(door, replica, 101)).toEqual([]);
});

test('watches of others can hide what is missing, and never make anything look missing', async () => {
  const replica = new CountingReplica({ mistakes: ['legacy'] });
  const door = new TestReplica();
  for (let i = 0; i < 5; i++) replica.count('WATCH', 'pods', 'cluster', '0', 100);
  await door.read(replica.text, 100);
  // Nothing of what others did before the first reading counts.
  door.ledger.add([replica.watch(LEGACY, 110, 120)]);
  expect(await twice(door, replica, 200)).toEqual(['1 pods LIST cluster']);

  const other = new CountingReplica({ mistakes: ['legacy'] });
  const blind = new TestReplica();
  await blind.read(other.text, 100);
  for (let i = 0; i < 5; i++) other.count('WATCH', 'pods', 'cluster', '0', 100);
  blind.ledger.add([other.watch(LEGACY, 110, 120)]);
  expect(await twice(blind, other, 200)).toEqual([]);
});

test('a watch counts only when its replica has surely counted it', async () => {
  const replica = new CountingReplica({ mistakes: ['legacy'] });
  const door = new TestReplica();
  door.ledger.add([replica.watch(LEGACY, 10, 20)]);
  await twice(door, replica, 100);
  const late = replica.watch(LEGACY, 190, 199);
  expect(shown(await door.read(replica.text, 200, [late]))).toEqual(['1 pods LIST cluster']);
  expect(shown(await door.read(replica.text, 202))).toEqual(['2 pods LIST cluster']);
});

test('what ended about the first reading is not held against the replica', async () => {
  const replica = new CountingReplica();
  const door = new TestReplica();
  for (let i = 0; i < 5; i++) replica.count('LIST', 'pods', 'cluster', '200', 0.1);
  for (let i = 0; i < 5; i++) replica.count('WATCH', 'pods', 'cluster', '0', 100);
  // In the first reading already, although the door has seen its end only after it.
  const early = replica.watch(LEGACY, 90, 101);
  await door.read(replica.text, 100);
  expect(shown(await door.read(replica.text, 110, [early]))).toEqual([]);
  expect(await twice(door, replica, 120)).toEqual([]);
});

test('with two suspicious kinds only that is accused which must have been misfiled', async () => {
  const paths = ['/api/v1/watch/nodes/n1', NAMED];
  for (const [mistake, expected] of [
    ['legacy', ['2 nodes GET resource']],
    ['named', ['3 nodes GET resource']],
  ] as const) {
    const replica = new CountingReplica({ mistakes: [mistake] });
    const door = new TestReplica();
    // So many lists and gets that they could be anywhere.
    for (let i = 0; i < 50; i++) replica.count('GET', 'nodes', 'resource', '200', 0.1);
    for (let i = 0; i < 2; i++) door.ledger.add([replica.watch(paths[0] ?? '', 10, 20)]);
    for (let i = 0; i < 3; i++) door.ledger.add([replica.watch(paths[1] ?? '', 10, 20)]);
    // Three missing cannot be the two legacy ones; two missing may be either, so nobody is named.
    expect(await twice(door, replica, 100)).toEqual(mistake === 'named' ? expected : []);
  }
});

test('a resource that the replica does not count itself proves nothing', async () => {
  const replica = new CountingReplica();
  const door = new TestReplica();
  const { text } = replica;
  // Another server behind it serves them, so it has neither watches nor lists of them.
  const path = '/apis/metrics.k8s.io/v1/watch/nodes';
  door.ledger.add([replica.watch(path, 10, 20)]);
  await door.read(text, 100);
  expect(shown(await door.read(text, 101))).toEqual([]);
});

test('when watches are missing that every version has right, the counts are not to be trusted', async () => {
  const replica = new CountingReplica();
  const door = new TestReplica();
  for (let i = 0; i < 9; i++) replica.count('LIST', 'pods', 'cluster', '200', 0.1);
  const { text } = replica;
  door.ledger.add([replica.watch(LEGACY, 10, 20), replica.watch(PLAIN, 10, 20)]);
  await door.read(text, 100);
  expect(shown(await door.read(text, 101))).toEqual([]);
});

test('a restart of the replica begins anew, with the watches of its new life', async () => {
  const replica = new CountingReplica({ mistakes: ['legacy'] });
  const door = new TestReplica();
  door.ledger.add([replica.watch(LEGACY, 10, 20), replica.watch(LEGACY, 10, 20)]);
  expect(await twice(door, replica, 100)).toEqual(['2 pods LIST cluster']);
  door.ledger.add([replica.watch(LEGACY, 110, 120)]);
  replica.restart(130);
  door.ledger.add([replica.watch(LEGACY, 140, 150)]);
  expect(await twice(door, replica, 200)).toEqual(['1 pods LIST cluster']);
});

test('without a start time all is one life', async () => {
  const replica = new CountingReplica({ mistakes: ['legacy'] });
  const door = new TestReplica();
  door.ledger.add([replica.watch(LEGACY, 10, 20)]);
  const text = replica.text.replace(/^.*process_start.*\n/gm, '');
  await door.read(text, 100);
  expect(shown(await door.read(text, 101))).toEqual(['1 pods LIST cluster']);
});
