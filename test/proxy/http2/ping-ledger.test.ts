import { expect, test } from 'vitest';
import type { FrameWriter } from '../../../proxy/http2/frame-writer.ts';
import { PingLedger } from '../../../proxy/http2/ping-ledger.ts';

function make() {
  const clock = { nowMs: 1000 };
  const sent: Buffer[] = [];
  const ping = (payload: Buffer) => sent.push(Buffer.from(payload));
  const ledger = new PingLedger({ ping } as unknown as FrameWriter, () => clock.nowMs);
  return { clock, sent, ledger };
}

test('each answer gives the round trip of its own PING, in any order', () => {
  const { clock, sent, ledger } = make();
  const roundTrips: string[] = [];
  ledger.send((ms) => roundTrips.push(`first ${ms}`));
  clock.nowMs += 5;
  ledger.send((ms) => roundTrips.push(`second ${ms}`));
  clock.nowMs += 10;
  for (const payload of sent.toReversed()) expect(ledger.acknowledge(payload, 0)).toBe(true);
  expect(roundTrips).toEqual(['second 10', 'first 15']);
});

test('an answer that nobody asked for, or that comes twice, is told apart', () => {
  const { sent, ledger } = make();
  expect(ledger.acknowledge(Buffer.from('somebody'), 0)).toBe(false);
  ledger.send(() => {});
  const payload = sent[0] as Buffer;
  expect(ledger.acknowledge(Buffer.concat([Buffer.of(9), payload]), 1)).toBe(true);
  expect(ledger.acknowledge(payload, 0)).toBe(false);
});

test('no more than sixteen PINGs are under way', () => {
  const { sent, ledger } = make();
  for (let i = 0; i < 20; i++) ledger.send(() => {});
  expect(sent).toHaveLength(16);
});
