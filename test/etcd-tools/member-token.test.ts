import { expect, test } from 'vitest';
import { TokenKeeper } from '../../etcd-tools/member-token.ts';

/** A keeper whose clock stands until it is moved, and how often it has asked. */
function keeper(fail = false) {
  const state = { nowMs: 0, asked: 0, fail };
  const tokens = new TokenKeeper(
    async () => {
      state.asked += 1;
      if (state.fail) throw new Error('no');
      return `token-${state.asked}`;
    },
    () => state.nowMs,
  );
  return { tokens, state };
}

test('calls at the same time share one token', async () => {
  const { tokens, state } = keeper();
  expect(await Promise.all([tokens.current(), tokens.current()])).toEqual(['token-1', 'token-1']);
  expect(await tokens.current()).toBe('token-1');
  expect(state.asked).toBe(1);
});

test('a token that grew old is replaced once, however many calls were refused', async () => {
  const { tokens, state } = keeper();
  const old = await tokens.current();
  state.nowMs = 300_000;
  const replaced = await Promise.all([tokens.replacementOf(old), tokens.replacementOf(old)]);
  expect(replaced).toEqual(['token-2', 'token-2']);
  expect(state.asked).toBe(2);
});

test('a member that refuses every token is not asked for one after the other', async () => {
  const { tokens, state } = keeper();
  let token = await tokens.current();
  state.nowMs = 10_000;
  token = await tokens.replacementOf(token);
  for (let call = 0; call < 100; call += 1) {
    state.nowMs += 10;
    expect(await tokens.replacementOf(token)).toBeUndefined();
  }
  expect(state.asked).toBe(2);
});

test('a failed authentication is not repeated by the calls that come right after it', async () => {
  const { tokens, state } = keeper(true);
  for (let call = 0; call < 10; call += 1) await expect(tokens.current()).rejects.toThrow('no');
  expect(state.asked).toBe(1);
});
