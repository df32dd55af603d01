// One attacker at a time against a door of its own process, and twenty honest clients beside it.
// How much later they are answered is for `npm run prove -- wire`: here the bound is generous.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runAttack, wrongEnd } from '../../../../prove/wire/attack-run.ts';
import { ATTACKS } from '../../../../prove/wire/attacks.ts';
import { HonestClients } from '../../../../prove/wire/honest-clients.ts';
import { SMALL_PATH, startVictim, TOKEN, type Victim } from '../../../../prove/wire/victim.ts';

const HONEST_CLIENTS = 20;
const MAX_P99_MS = 5000;
/** Resident memory also holds what the collector has not come round to; 64 is for `prove`. */
const MAX_GROWN_MIB = 160;
const QUIET_MS = 300;
/** Past every deadline of the victim, which looks at them once a second. */
const ATTACK_MS = 3000;

let directory: string;
let victim: Victim;
let honest: HonestClients;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'evenkeel-attacks-'));
  victim = await startVictim(directory);
  honest = new HonestClients({
    port: victim.door.port,
    ca: victim.ca,
    token: TOKEN,
    path: SMALL_PATH,
    count: HONEST_CLIENTS,
    intervalMs: 100,
  });
  await honest.open();
});
afterAll(async () => {
  honest?.close();
  await victim?.stop();
  await rm(directory, { recursive: true });
});

test.each(ATTACKS)('honest clients outlive $name, and nothing is left of it', async (attack) => {
  const outcome = await runAttack({
    victim,
    honest,
    attack,
    honestCount: HONEST_CLIENTS,
    quietMs: QUIET_MS,
    attackMs: ATTACK_MS,
  });
  const { quiet, attacked, grownMib, left } = outcome;
  expect(wrongEnd(attack, outcome.report)).toBeUndefined();
  const log = readFileSync(victim.door.logPath, 'utf8').split('\n').slice(-5).join('\n');
  expect(quiet.failures + attacked.failures, log).toBe(0);
  expect(attacked.requests).toBeGreaterThan(HONEST_CLIENTS);
  expect(attacked.p99Ms).toBeLessThan(MAX_P99_MS);
  expect(grownMib).toBeLessThan(MAX_GROWN_MIB);
  expect(left.connections).toBe(HONEST_CLIENTS);
  expect(left.requests).toBeLessThanOrEqual(HONEST_CLIENTS);
});
