import { expect, test } from 'vitest';
import type { FrameWriter } from '../../../proxy/http2/frame-writer.ts';
import { SendTurns } from '../../../proxy/http2/send-turns.ts';
import type { Http2Stream } from '../../../proxy/http2/stream.ts';

/** Streams of frames that each want one unit of the connection's window. */
function turnsOf(window: number) {
  const writer = { blocked: false };
  const turns = new SendTurns(writer as FrameWriter);
  const order: string[] = [];
  turns.window = window;
  const stream = (name: string, frames: number, onSent = () => {}) => {
    const state = {
      left: frames,
      get maySend() {
        return state.left > 0;
      },
      resumeSending() {
        if (turns.window === 0) return false;
        turns.window -= 1;
        state.left -= 1;
        order.push(name);
        onSent();
        return true;
      },
    };
    const made = state as unknown as Http2Stream;
    turns.add(made);
    return made;
  };
  return { turns, writer, order, stream };
}

test('streams take turns, a frame each', () => {
  const { turns, order, stream } = turnsOf(100);
  stream('a', 3);
  stream('b', 1);
  stream('c', 2);
  turns.run();
  expect(order.join('')).toBe('abcaca');
  expect(turns.size).toBe(0);
});

test('the turn goes on where the window ran out', () => {
  const { turns, order, stream } = turnsOf(4);
  for (const name of ['a', 'b', 'c']) stream(name, 5);
  turns.run();
  turns.window = 4;
  turns.run();
  expect(order.join('')).toBe('abcabcab');
});

test('nothing is sent while the socket does not keep up', () => {
  const { turns, writer, order, stream } = turnsOf(100);
  stream('a', 3, () => {
    writer.blocked = true;
  });
  stream('b', 1);
  turns.run();
  expect(order.join('')).toBe('a');
  writer.blocked = false;
  turns.run();
  expect(order.join('')).toBe('aba');
});

test('a stream that is over is not kept', () => {
  const { turns, order, stream } = turnsOf(0);
  const over = stream('a', 3);
  stream('b', 1);
  turns.remove(over);
  expect(turns.size).toBe(1);
  turns.window = 9;
  turns.run();
  expect(order.join('')).toBe('b');
});

test('a run from within a run skips nobody and repeats nobody', () => {
  const { turns, order, stream } = turnsOf(100);
  stream('a', 2, () => turns.run());
  stream('b', 2, () => turns.run());
  turns.run();
  expect(order.join('')).toBe('abab');
});

test('a stream that has nothing to send, or no window, does not wait', () => {
  const { turns, stream } = turnsOf(5);
  turns.resume(stream('a', 0));
  expect(turns.size).toBe(0);
});
