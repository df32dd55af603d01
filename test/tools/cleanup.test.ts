import { expect, test } from 'vitest';
import { Cleanup } from '../../tools/cleanup.ts';

test('what was started is ended once, last one first', async () => {
  const ended: string[] = [];
  const cleanup = new Cleanup(new AbortController().signal);
  for (const name of ['cluster', 'door', 'client']) {
    await cleanup.add(async () => {
      ended.push(name);
    });
  }
  await cleanup.run();
  await cleanup.run();
  expect(ended).toEqual(['client', 'door', 'cluster']);
});

test('an abort ends everything at once', async () => {
  const controller = new AbortController();
  const cleanup = new Cleanup(controller.signal);
  const ended = Promise.withResolvers<void>();
  await cleanup.add(async () => ended.resolve());
  controller.abort('SIGINT');
  await ended.promise;
});

test('a second run waits for what the first one is still ending', async () => {
  const cleanup = new Cleanup(new AbortController().signal);
  const gate = Promise.withResolvers<void>();
  const events: string[] = [];
  await cleanup.add(async () => {
    await gate.promise;
    events.push('ended');
  });
  const runs = [cleanup.run(), cleanup.run().then(() => events.push('second run'))];
  gate.resolve();
  await Promise.all(runs);
  expect(events).toEqual(['ended', 'second run']);
});

test('what comes after the abort is ended, and whoever brings it is told', async () => {
  const controller = new AbortController();
  const cleanup = new Cleanup(controller.signal);
  controller.abort(new Error('stopped'));
  let ended = false;
  const added = cleanup.add(async () => {
    ended = true;
  });
  await expect(added).rejects.toThrow('stopped');
  expect(ended).toBe(true);
});
