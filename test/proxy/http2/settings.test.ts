import { expect, test } from 'vitest';
import { applySettings, encodeSettings, initialSettings } from '../../../proxy/http2/settings.ts';
import { settings } from '../../../tools/http2-frames.ts';

function apply(...pairs: (readonly [number, number])[]) {
  const applied = initialSettings();
  applySettings(applied, settings(...pairs).subarray(9));
  return applied;
}

test('what is encoded is what is applied', () => {
  const ours = {
    headerTableBytes: 0,
    enablePush: false,
    maxConcurrentStreams: 250,
    initialWindowBytes: 1 << 20,
    maxHeaderListBytes: 65_536,
  };
  const applied = initialSettings();
  applySettings(applied, encodeSettings(ours));
  expect(applied).toEqual({ ...initialSettings(), ...ours });
});

test('the last of several values counts, and unknown ones are ignored', () => {
  expect(apply([4, 5], [0xfafa, 7], [4, 6]).initialWindowBytes).toBe(6);
});

test.each([
  [2, 2, 'PROTOCOL_ERROR: ENABLE_PUSH 2'],
  [4, 0x8000_0000, 'FLOW_CONTROL_ERROR: INITIAL_WINDOW_SIZE 2147483648'],
  [5, 16_383, 'PROTOCOL_ERROR: MAX_FRAME_SIZE 16383'],
  [5, 0x100_0000, 'PROTOCOL_ERROR: MAX_FRAME_SIZE 16777216'],
])('setting %i of %i is refused', (id, value, message) => {
  expect(() => apply([id, value])).toThrow(message);
});

test.each([
  [2, 0],
  [4, 0],
  [4, 0x7fff_ffff],
  [5, 16_384],
  [5, 0xff_ffff],
  [1, 0xffff_ffff],
  [3, 0],
])('setting %i of %i is legal', (id, value) => {
  expect(() => apply([id, value])).not.toThrow();
});
