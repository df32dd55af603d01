import { parseArgs } from 'node:util';
import { CommandError } from '../common/command.ts';
import type { Settings } from './subject.ts';

export interface Options {
  readonly help: boolean;
  readonly name: string | undefined;
  readonly settings: Settings;
}

/** In flight at any time: connections x streams, 100 as in the measurements of docs/decisions. */
const DEFAULTS: Settings = { seconds: 2, rounds: 4, connections: 10, streams: 10 };

export const HELP = `Measures side by side, prints a table and writes it to bench/results. Judges nothing.

  npm run bench            lists the benchmarks
  npm run bench -- NAME    runs one

  --seconds N      length of each sample (${DEFAULTS.seconds})
  --rounds N       samples of each subject (${DEFAULTS.rounds})
  --connections N  of each client (${DEFAULTS.connections})
  --streams N      requests in flight on each connection (${DEFAULTS.streams})
`;

/** Throws a CommandError for whatever is not in HELP. */
export function parseOptions(argv: readonly string[]): Options {
  const { values, positionals } = parse(argv);
  if (positionals.length > 1) {
    throw new CommandError(`one benchmark at a time, got: ${positionals.join(', ')}`);
  }
  const number = (name: keyof Settings): number => {
    const text = values[name];
    if (text === undefined) return DEFAULTS[name];
    const value = Number(text);
    // Half a second is enough to see that it works; half a connection is not.
    const good = value > 0 && (name === 'seconds' || Number.isInteger(value));
    if (!good) throw new CommandError(`--${name}: expected a number above 0, got "${text}"`);
    return value;
  };
  return {
    help: values.help ?? false,
    name: positionals[0],
    settings: {
      seconds: number('seconds'),
      rounds: number('rounds'),
      connections: number('connections'),
      streams: number('streams'),
    },
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        seconds: { type: 'string' },
        rounds: { type: 'string' },
        connections: { type: 'string' },
        streams: { type: 'string' },
      },
    });
  } catch (cause) {
    throw new CommandError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
