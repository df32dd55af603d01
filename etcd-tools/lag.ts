// `lag`: does a member lag, and does any hold other data than the others?
import { CommandError } from '../common/command.ts';
import type { ExitCode } from '../common/exit-code.ts';
import type { Command, CommandContext } from './command.ts';
import { ETCD_EXIT } from './exit-code.ts';
import { readCount, readDurationMs } from './flag-values.ts';
import { describeLag, lagExit } from './lag-answer.ts';
import { type LagDisplay, LiveTable, PlainLines } from './lag-live.ts';
import { type WatchedRound, watchLag } from './lag-watch.ts';
import { readRoster } from './roster.ts';

const DEFAULT_ROUNDS = 5n;
const MAX_ROUNDS = 1_000_000n;
const DEFAULT_INTERVAL_MS = 1000;
const MAX_INTERVAL_MS = 60 * 60_000;

export const lag: Command = {
  name: 'lag',
  summary: 'proves or rules out that a member lags, or holds other data than the others',
  example: 'lag --endpoints https://10.0.0.1:2379,https://10.0.0.2:2379 --cacert ca.crt --watch',
  options: [
    { name: 'rounds', value: 'N', help: 'how often all members are asked (5)' },
    { name: 'interval', value: 'TIME', help: 'from one round to the next (1s)' },
    { name: 'watch', help: 'goes on until Ctrl-C and shows every round' },
  ],
  run: runLag,
};

async function runLag(context: CommandContext): Promise<ExitCode> {
  const { members, flags, timeoutMs, signal } = context;
  const rounds = readRounds(flags);
  const intervalMs = readInterval(flags);
  const roster = await readRoster(members);
  const watching = flags.watch === true;
  const limited = watching && flags.rounds === undefined ? {} : { rounds };
  const display = watching ? displayFor(context) : progressFor(context, rounds);
  let last: WatchedRound | undefined;
  try {
    for await (const watched of watchLag(roster, { intervalMs, timeoutMs, signal, ...limited })) {
      last = watched;
      display.show(watched);
    }
  } catch (error) {
    // Ctrl-C is how a watch ends, and it ends with what it saw last.
    if (!watching || !signal.aborted || last === undefined) throw error;
  } finally {
    display.end();
  }
  if (last === undefined) return ETCD_EXIT.unknown;
  if (!watching) context.print(describeLag(last));
  return lagExit(last);
}

function readRounds(flags: CommandContext['flags']): number {
  const rounds = readCount(flags, 'rounds') ?? DEFAULT_ROUNDS;
  if (rounds < 1n || rounds > MAX_ROUNDS) {
    throw new CommandError(`--rounds: expected a number from 1 to ${MAX_ROUNDS}, got "${rounds}"`);
  }
  return Number(rounds);
}

function readInterval(flags: CommandContext['flags']): number {
  const intervalMs = readDurationMs(flags, 'interval', DEFAULT_INTERVAL_MS);
  if (intervalMs <= MAX_INTERVAL_MS) return intervalMs;
  throw new CommandError(`--interval: expected a time up to 1h, got "${flags.interval}"`);
}

function displayFor({ format, stdout, print }: CommandContext): LagDisplay {
  // A document for each round, for those who read them one after the other.
  if (format !== 'table') {
    return { show: (watched) => print(describeLag(watched)), end: () => undefined };
  }
  return stdout.isTTY === true ? new LiveTable(stdout) : new PlainLines(stdout);
}

/** Says on stderr how far it has come. */
function progressFor({ say }: CommandContext, rounds: number): LagDisplay {
  return {
    show({ verdict }) {
      if (rounds === 1 && !verdict.undecided) return;
      const more = verdict.round > rounds ? ', to settle a suspicion' : '';
      say(`round ${verdict.round} of ${Math.max(rounds, verdict.round)}${more}`);
    },
    end: () => undefined,
  };
}
