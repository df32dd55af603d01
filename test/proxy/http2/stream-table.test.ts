import { expect, test } from 'vitest';
import { StreamTable } from '../../../proxy/http2/stream-table.ts';

test('a stream that was never used is idle, and naming it ends the connection', () => {
  const server = new StreamTable(true);
  server.lastPeerId = 5;
  for (const id of [2, 4, 7]) expect(() => server.find(id)).toThrow('PROTOCOL_ERROR');
  for (const id of [1, 3, 5]) expect(server.find(id)).toBeUndefined();
});

test('a client knows its own streams by what it has opened', () => {
  const client = new StreamTable(false);
  client.nextId = 5;
  for (const id of [2, 5, 7]) expect(() => client.find(id)).toThrow('frame on idle stream');
  for (const id of [1, 3]) expect(client.find(id)).toBeUndefined();
});

test('a stream that we have reset is known as such, others are not', () => {
  const table = new StreamTable(true);
  table.lastPeerId = 9;
  table.delete(3, true);
  table.delete(5, false);
  expect(table.mayBeResetByUs(3)).toBe(true);
  expect(table.mayBeResetByUs(5)).toBe(false);
});

test('what has been forgotten counts as reset, so that no late frame ends the connection', () => {
  const table = new StreamTable(false);
  for (let id = 1; id < 2 * 3000; id += 2) table.delete(id, true);
  expect(table.mayBeResetByUs(1)).toBe(true);
  expect(table.mayBeResetByUs(5999)).toBe(true);
  expect(table.mayBeResetByUs(6001)).toBe(false);
});
