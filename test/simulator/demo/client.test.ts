import { expect, test } from 'vitest';
import {
  Informer,
  type InformerApi,
  type WatchEvent,
  type WatchStart,
} from '../../../simulator/demo/client.ts';
import type { WatchEnding } from '../../../simulator/demo/watch-rules.ts';

interface Step {
  readonly events?: readonly WatchEvent[];
  /** Before each event and before the ending. */
  readonly passMs?: number;
  readonly ending: WatchEnding;
}

const END: WatchEnding = { kind: 'end', events: 1, lastedMs: 5000 };
const RESET: WatchEnding = { kind: 'reset' };

function modified(resourceVersion: string): WatchEvent {
  return { type: 'MODIFIED', resourceVersion };
}

/** Plays the steps, one for each watch, and then stops the informer. */
class ScriptedApi implements InformerApi {
  readonly done: string[] = [];
  readonly #steps: Step[];
  readonly #stop: AbortController;
  #clockMs = 0;
  #failingLists: number;

  constructor(steps: readonly Step[], stop: AbortController, failingLists = 0) {
    this.#steps = [...steps];
    this.#stop = stop;
    this.#failingLists = failingLists;
  }

  async list(resourceVersion: string): Promise<string> {
    this.done.push(`list ${resourceVersion}`);
    if (this.#failingLists-- > 0) throw new Error('no list');
    return '100';
  }

  async watch(from: WatchStart, onEvent: (event: WatchEvent) => void): Promise<WatchEnding> {
    const step = this.#steps.shift();
    if (!step) {
      this.#stop.abort();
      return END;
    }
    this.done.push(`watch ${from.resourceVersion} for ${from.timeoutSeconds} s`);
    for (const event of step.events ?? []) {
      this.#clockMs += step.passMs ?? 0;
      onEvent(event);
    }
    this.#clockMs += step.passMs ?? 0;
    return step.ending;
  }

  async sleep(ms: number): Promise<void> {
    this.done.push(`sleep ${ms}`);
    this.#clockMs += ms;
  }

  nowMs(): number {
    return this.#clockMs;
  }

  random(): number {
    return 0;
  }
}

async function play(steps: readonly Step[], failingLists = 0) {
  const stop = new AbortController();
  const api = new ScriptedApi(steps, stop, failingLists);
  const informer = new Informer(api, 5);
  await informer.run(stop.signal);
  return { done: api.done, informer, figures: informer.figures };
}

test('a watch that ends cleanly goes on from the last event, without a list', async () => {
  const { done, figures } = await play([
    { events: [modified('101'), modified('102')], ending: END },
    { events: [{ type: 'BOOKMARK', resourceVersion: '110' }], ending: END },
    { ending: END },
  ]);
  expect(done).toEqual(['list 0', 'watch 100 for 5 s', 'watch 102 for 5 s', 'watch 110 for 5 s']);
  expect(figures).toMatchObject({ relists: 0, watchesOpened: 3, watchesCut: 0, errors: [] });
});

test('a reset watch costs a back-off and a list at the last revision', async () => {
  const { done, figures } = await play([
    { events: [modified('105')], ending: RESET },
    { ending: END },
  ]);
  expect(done).toEqual([
    'list 0',
    'watch 100 for 5 s',
    'sleep 800',
    'list 105',
    'watch 100 for 5 s',
  ]);
  expect(figures).toMatchObject({ relists: 1, watchesCut: 1 });
});

test('back-offs grow from one failure to the next', async () => {
  const { done } = await play([{ ending: RESET }, { ending: RESET }], 2);
  expect(done.filter((step) => step.startsWith('sleep'))).toEqual([
    'sleep 800',
    'sleep 1600',
    'sleep 3200',
    'sleep 6400',
  ]);
});

test('a lost connection cuts a watch, and costs no list', async () => {
  const { done, figures } = await play([
    { ending: { kind: 'lost', events: 2, lastedMs: 3000 } },
    { ending: { kind: 'end', events: 2, lastedMs: 3000 } },
  ]);
  expect(done).toEqual(['list 0', 'watch 100 for 5 s', 'watch 100 for 5 s']);
  expect(figures).toMatchObject({ relists: 0, watchesCut: 2 });
});

test('what cannot be opened or listed is an error that somebody sees', async () => {
  const { figures } = await play(
    [{ ending: { kind: 'not opened', status: 503, refused: false } }],
    1,
  );
  expect(figures.errors).toEqual(['Error: no list', 'watch not opened: 503']);
  expect(figures.watchesOpened).toBe(0);
});

test('the longest silence counts from event to event, over the end of a watch', async () => {
  const { figures, informer } = await play([
    { events: [modified('101'), modified('102')], passMs: 100, ending: END },
    { events: [modified('103')], passMs: 250, ending: END },
  ]);
  expect(figures.longestSilenceMs).toBe(350);
  informer.noteSilence();
  expect(figures.longestSilenceMs).toBe(350);
});
