#!/usr/bin/env node
import { once } from 'node:events';
import { runCommand } from '../../common/command.ts';
import { EXIT_CODE } from '../../common/exit-code.ts';
import { formatResultLine } from '../result.ts';
import { parseSwarm, SWARM_HELP } from './arguments.ts';
import { Swarm } from './swarm.ts';

await runCommand(async (argv, signal) => {
  const plan = parseSwarm(argv);
  if (plan === 'help') {
    process.stdout.write(SWARM_HELP);
    return EXIT_CODE.ok;
  }
  // Nobody reads any more: what was made is to be removed all the same.
  const unread = new AbortController();
  process.stdout.on('error', () => unread.abort());
  const terminal = process.stderr.isTTY === true;
  const swarm = new Swarm(plan, {
    line: (line) => void process.stdout.write(formatResultLine(line)),
    progress: (text) =>
      void process.stderr.write(terminal ? `\r\x1b[K swarm: ${text}` : `swarm: ${text}\n`),
  });
  const stop = AbortSignal.any([signal, unread.signal]);
  const { problems } = await swarm.run(stop, plan.hold ? toldOrStopped(stop) : undefined);
  // An open pipe would keep the process.
  process.stdin.destroy();
  if (terminal) process.stderr.write('\r\x1b[K');
  for (const problem of problems) process.stderr.write(`does not count: ${problem}\n`);
  return EXIT_CODE.ok;
});

/** Also when whoever was to tell is gone. */
async function toldOrStopped(stop: AbortSignal): Promise<void> {
  const told = once(process.stdin, 'data', { signal: stop });
  await Promise.race([told, once(process.stdin, 'end', { signal: stop })]).catch(() => undefined);
}
