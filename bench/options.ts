import { parseArgs } from 'node:util';
import { CommandError } from '../common/command.ts';
import type { Settings } from './subject.ts';

export interface Options {
  readonly help: boolean;
  readonly name: string | undefined;
  /** What was asked for; each benchmark has its own defaults for the rest. */
  readonly settings: Partial<Settings>;
  /** A short run, to see that everything works: its figures mean little. */
  readonly quick: boolean;
  /** Leave the folder of the run, with the logs of all programs. */
  readonly keep: boolean;
  /** Keep the result in bench/results, and write bench/README.md anew. */
  readonly write: boolean;
  /** Subjects of `wire`; all when empty. `direct` and `haproxy` are always among them. */
  readonly only: readonly string[];
  readonly backend: 'fast' | 'kube';
  /** Of `profile` and `wire`; each has its own. */
  readonly load: string | undefined;
  readonly watches: number | undefined;
  readonly idleWatches: number | undefined;
}

export const HELP = `Measures side by side and prints a table. Judges nothing.

  npm run bench            lists the benchmarks
  npm run bench -- NAME    runs one

  --write            keep the result in bench/results and write bench/README.md anew
  --quick            short: to see that it works, not for its figures
  --keep             leave the folder of the run, with the logs of all programs
  --seconds N        length of each sample
  --rounds N         samples of each subject
  --connections N    of each client (front-door, profile)
  --streams N        requests in flight on each connection (front-door, profile)

profile alone:
  --load NAME        small, large, upload or watches (small)

wire alone:
  --load NAME        small, large, watches or workers alone (all)
  --only A,B         these subjects, besides direct and haproxy
  --backend kube     three real kube-apiservers instead of fast backends
  --watches N        open watches that get events (1000)
  --idle-watches N   open watches whose memory is measured (20000)
`;

const NUMBERS = ['seconds', 'rounds', 'connections', 'streams'] as const;

/** Throws a CommandError for whatever is not in HELP. */
export function parseOptions(argv: readonly string[]): Options {
  const { values, positionals } = parse(argv);
  if (positionals.length > 1) {
    throw new CommandError(`one benchmark at a time, got: ${positionals.join(', ')}`);
  }
  const number = (name: (typeof NUMBERS)[number] | 'watches' | 'idle-watches') => {
    const text = values[name];
    if (text === undefined) return undefined;
    const value = Number(text);
    // Half a second is enough to see that it works; half a connection is not.
    const good = value > 0 && (name === 'seconds' || Number.isInteger(value));
    if (!good) throw new CommandError(`--${name}: expected a number above 0, got "${text}"`);
    return value;
  };
  const { backend = 'fast', only } = values;
  if (backend !== 'fast' && backend !== 'kube') {
    throw new CommandError(`--backend: expected fast or kube, got "${backend}"`);
  }
  const given = NUMBERS.flatMap((name) => {
    const value = number(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    help: values.help ?? false,
    name: positionals[0],
    settings: Object.fromEntries(given),
    quick: values.quick ?? false,
    keep: values.keep ?? false,
    write: values.write ?? false,
    only: only === undefined ? [] : only.split(','),
    backend,
    load: values.load,
    watches: number('watches'),
    idleWatches: number('idle-watches'),
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        // Read by common/command.ts.
        debug: { type: 'boolean' },
        quick: { type: 'boolean' },
        keep: { type: 'boolean' },
        write: { type: 'boolean' },
        only: { type: 'string' },
        backend: { type: 'string' },
        load: { type: 'string' },
        seconds: { type: 'string' },
        rounds: { type: 'string' },
        connections: { type: 'string' },
        streams: { type: 'string' },
        watches: { type: 'string' },
        'idle-watches': { type: 'string' },
      },
    });
  } catch (cause) {
    throw new CommandError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
