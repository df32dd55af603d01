// The flags that all commands have, and how wrong ones are told.
import { parseArgs } from 'node:util';
import { CommandError } from '../common/command.ts';
import { parseDuration } from '../common/duration.ts';
import type { Command, CommandOption, FlagValues } from './command.ts';
import type { CredentialFlags } from './credentials.ts';
import { OUTPUT_FORMATS, type OutputFormat } from './output.ts';

const MAX_TIMEOUT_MS = 10 * 60_000;

/** In the order of the help. */
export const GLOBAL_OPTIONS: readonly (CommandOption & { readonly short?: string })[] = [
  { name: 'endpoints', value: 'URL,URL', help: 'client URLs of all members' },
  { name: 'cacert', value: 'FILE', help: "authority of the members' certificates" },
  { name: 'cert', value: 'FILE', help: 'client certificate' },
  { name: 'key', value: 'FILE', help: 'key of the client certificate' },
  { name: 'server-name', value: 'NAME', help: "name to expect in the members' certificates" },
  { name: 'user', value: 'NAME', help: 'user, where auth is on' },
  { name: 'password-file', value: 'FILE', help: 'holds the password and nothing else' },
  { name: 'timeout', value: 'TIME', help: 'of each call to a member (5s)' },
  { name: 'output', value: 'FORMAT', short: 'o', help: 'table, json or prometheus (table)' },
  { name: 'debug', help: 'with the stack, when the program fails' },
  { name: 'help', short: 'h', help: 'prints this and exits' },
];

/** Which members to ask, and as whom; nothing is read or resolved yet. */
export interface ConnectionFlags extends CredentialFlags {
  /** As given; undefined for commands that can do without. */
  readonly endpoints: string | undefined;
  readonly timeoutMs: number;
}

export interface ParsedFlags {
  readonly help: boolean;
  readonly format: OutputFormat;
  readonly connection: ConnectionFlags;
  /** Of the command's own options. */
  readonly flags: FlagValues;
}

/** Throws a CommandError that names the flag, its value and what is expected. */
export function parseFlags(command: Command, argv: readonly string[]): ParsedFlags {
  const values = parseValues(command, argv);
  const text = (name: string): string | undefined => {
    const value = values[name];
    if (value === '') throw new CommandError(`--${name}: expected a value, got ""`);
    return typeof value === 'string' ? value : undefined;
  };
  const own = new Set(command.options.map(({ name }) => name));
  const help = values.help === true;
  const endpoints = text('endpoints');
  if (endpoints === undefined && !help && !command.endpointsOptional) {
    throw new CommandError(
      `--endpoints is missing: the client URLs of all members ${seeHelp(command)}`,
    );
  }
  return {
    help,
    format: parseFormat(text('output')),
    connection: {
      endpoints,
      cacert: text('cacert'),
      cert: text('cert'),
      key: text('key'),
      serverName: text('server-name'),
      user: text('user'),
      passwordFile: text('password-file'),
      timeoutMs: parseTimeout(text('timeout')),
    },
    flags: Object.fromEntries(Object.entries(values).filter(([name]) => own.has(name))),
  };
}

function parseValues(command: Command, argv: readonly string[]): FlagValues {
  const all: readonly (CommandOption & { readonly short?: string })[] = [
    ...GLOBAL_OPTIONS,
    ...command.options,
  ];
  const options = Object.fromEntries(
    all.map(({ name, value, short }) => [
      name,
      {
        type: value === undefined ? ('boolean' as const) : ('string' as const),
        ...(short !== undefined && { short }),
      },
    ]),
  );
  try {
    const { values, tokens = [] } = parseArgs({ args: [...argv], options, tokens: true });
    const seen = new Set<string>();
    for (const token of tokens) {
      if (token.kind !== 'option') continue;
      // The last one would win without a word, and a script that appends flags would not know.
      if (seen.has(token.name)) throw new Error(`--${token.name} is given twice`);
      seen.add(token.name);
    }
    return values as FlagValues;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    // Node adds advice about positional arguments, which no command has.
    const line = message.replace(/\. To specify a positional[\s\S]*$/, '');
    throw new CommandError(`${line} ${seeHelp(command)}`, { cause });
  }
}

function seeHelp({ name }: Command): string {
  return `(see evenkeel-etcd ${name} --help)`;
}

function parseFormat(text = 'table'): OutputFormat {
  const found = OUTPUT_FORMATS.find((format) => format === text);
  if (found !== undefined) return found;
  throw new CommandError(`--output: expected ${OUTPUT_FORMATS.join(', ')}, got "${text}"`);
}

function parseTimeout(text = '5s'): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0 || ms > MAX_TIMEOUT_MS) {
    throw new CommandError(`--timeout: expected a time up to 10m such as 5s, got "${text}"`);
  }
  return ms;
}
