import { expect, test } from 'vitest';
import type { FrameWriter } from '../../../proxy/http2/frame-writer.ts';
import { ReceiveWindow } from '../../../proxy/http2/receive-window.ts';

function make(sizeBytes: number) {
  const updates: [streamId: number, bytes: number][] = [];
  const windowUpdate = (streamId: number, bytes: number) => updates.push([streamId, bytes]);
  return {
    window: new ReceiveWindow({ windowUpdate } as unknown as FrameWriter, sizeBytes),
    updates,
  };
}

test('the window is given back once half of it is used, in one step', () => {
  const { window, updates } = make(100);
  window.take(30);
  window.take(19);
  expect(updates).toEqual([]);
  window.take(11);
  expect(updates).toEqual([[0, 60]]);
  window.take(50);
  expect(updates).toEqual([
    [0, 60],
    [0, 50],
  ]);
});

test('a peer that sends more than the window is refused', () => {
  const { window } = make(100);
  expect(() => window.take(101)).toThrow('FLOW_CONTROL_ERROR: connection window overrun');
});
