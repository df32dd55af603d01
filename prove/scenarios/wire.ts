import { join } from 'node:path';
import { ROOT_DIRECTORY } from '../../tools/binaries.ts';
import { runProgram } from '../../tools/run-program.ts';
import { atLeast, atMost, holds, type Row } from '../row.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';
import { runSuites, type Suite } from '../suites.ts';
import type { Attack } from '../wire/attack.ts';
import { type AttackOutcome, runAttack, wrongEnd } from '../wire/attack-run.ts';
import { ATTACKS } from '../wire/attacks.ts';
import { HonestClients } from '../wire/honest-clients.ts';
import { findLeaks } from '../wire/leaks.ts';
import { SMALL_PATH, startVictim, TOKEN } from '../wire/victim.ts';

const ENGINE = 'test/integration/proxy/http2';
const SUITES: readonly Suite[] = [
  { what: 'h2spec, every test in strict mode', file: `${ENGINE}/h2spec.test.ts` },
  { what: 'our server against node:http2', file: `${ENGINE}/node-client.test.ts` },
  { what: 'our client against node:http2', file: `${ENGINE}/node-server.test.ts` },
  { what: 'our server and client against Go', file: `${ENGINE}/go-peer.test.ts` },
  { what: 'our server against curl, h2load and nghttp', file: `${ENGINE}/command-peers.test.ts` },
  {
    what: 'messages that are two to another reader',
    file: 'test/integration/proxy/attacks/smuggling.test.ts',
  },
  {
    what: 'five hundred watches cancelled at once',
    file: 'test/integration/proxy/attacks/cancelled-watches.test.ts',
  },
];

const FUZZ_MINUTES = 1;
const HONEST_CLIENTS = 20;
const HONEST_INTERVAL_MS = 100;
const TIMES = { quietMs: 4000, attackMs: 4000 };
const MAX_SLOWDOWN = 3;
const MAX_GROWN_MIB = 64;
const LEAK_COUNTS = { requests: 200_000, watches: 20_000 };
/** Beside what the collector has not come to yet. */
const MAX_GROWN_HEAP_MIB = 10;

/** The engine: held against the RFC, other implementations, random input and known attacks. */
export const wire: Scenario = {
  name: 'wire',
  title: 'the HTTP/2 engine against h2spec, other engines, random input, attacks and leaks',
  run: async (context) => [
    ...(await runSuites(SUITES, context, 'integration')),
    ...(await fuzz(context)),
    ...(await attack(context)),
    ...(await leak(context)),
  ],
};

async function fuzz({ say, signal }: ScenarioContext): Promise<Row[]> {
  say(`random input for ${FUZZ_MINUTES} min`);
  const { lines } = await runProgram({
    command: process.execPath,
    args: [join(ROOT_DIRECTORY, 'test/fuzz/main.ts'), `--minutes=${FUZZ_MINUTES}`, '--no-keep'],
    signal,
    onLine: (line) => line.startsWith('FOUND') && say(line),
  });
  signal.throwIfAborted();
  const sum = /^(\d+) executions, (\d+) findings/.exec(lines.at(-1) ?? '');
  const [executions = Number.NaN, findings = Number.NaN] = sum?.slice(1).map(Number) ?? [];
  return [
    atLeast({ what: 'executions with random input', value: executions, unit: '' }, 50_000),
    atMost({ what: 'findings of random input', value: findings, unit: '' }, 0),
  ];
}

async function attack({ directory, say, onEnd, signal }: ScenarioContext): Promise<Row[]> {
  const victim = await startVictim(directory);
  await onEnd(() => victim.stop());
  const honest = new HonestClients({
    port: victim.door.port,
    ca: victim.ca,
    token: TOKEN,
    path: SMALL_PATH,
    count: HONEST_CLIENTS,
    intervalMs: HONEST_INTERVAL_MS,
  });
  await onEnd(async () => honest.close());
  await honest.open();
  const options = { victim, honest, honestCount: HONEST_CLIENTS, ...TIMES };
  const rows: Row[] = [];
  for (const each of ATTACKS) {
    say(each.name);
    rows.push(attackRow(each, await runAttack({ ...options, attack: each })));
    signal.throwIfAborted();
  }
  honest.close();
  await victim.stop();
  return rows;
}

function attackRow(one: Attack, outcome: AttackOutcome): Row {
  const { quiet, attacked, grownMib, left } = outcome;
  const failures = quiet.failures + attacked.failures;
  const wrong = wrongEnd(one, outcome.report);
  const good =
    wrong === undefined &&
    failures === 0 &&
    attacked.p99Ms < MAX_SLOWDOWN * quiet.p99Ms &&
    grownMib < MAX_GROWN_MIB &&
    left.connections === HONEST_CLIENTS;
  const figures = [
    `p99 ${quiet.p99Ms.toFixed(1)} -> ${attacked.p99Ms.toFixed(1)} ms`,
    `+${grownMib.toFixed(0)} MiB`,
    `${failures} failed`,
    `${left.connections - HONEST_CLIENTS} left`,
    ...(wrong === undefined ? [] : [`ended wrongly: ${wrong}`]),
  ];
  const floor = `p99 < ${MAX_SLOWDOWN}x, < ${MAX_GROWN_MIB} MiB, 0 failed, 0 left`;
  return holds(one.name, floor, figures.join(', '), good);
}

async function leak({ directory, say, onEnd }: ScenarioContext): Promise<Row[]> {
  const { requests, watches } = LEAK_COUNTS;
  say(`${requests} requests and ${watches} watches`);
  const victim = await startVictim(directory, {});
  await onEnd(() => victim.stop());
  const { warm, end } = await findLeaks(victim, LEAK_COUNTS, say);
  await victim.stop();
  const after = `after ${requests} requests and ${watches} watches`;
  return [
    atMost(
      { what: `streams and connections ${after}`, value: end.requests + end.connections, unit: '' },
      0,
    ),
    atMost(
      { what: `sockets and files ${after}`, value: end.fileDescriptors, unit: '' },
      warm.fileDescriptors,
    ),
    atMost(
      { what: `timers and handles ${after}`, value: end.activeResources, unit: '' },
      warm.activeResources,
    ),
    atMost(
      { what: `heap grown ${after}`, value: end.heapMib - warm.heapMib, unit: 'MiB' },
      MAX_GROWN_HEAP_MIB,
    ),
  ];
}
