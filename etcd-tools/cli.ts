// From arguments to an exit code: finds the command, reads its flags, opens the members, and closes
// them whatever happens.
import { CommandError } from '../common/command.ts';
import type { ExitCode } from '../common/exit-code.ts';
import type { Command, OpenCluster, Terminal } from './command.ts';
import { ETCD_EXIT, EXIT_CODE_LINES } from './exit-code.ts';
import { type ConnectionFlags, GLOBAL_OPTIONS, parseFlags } from './options.ts';
import { formatAnswer } from './output.ts';

/** What the program touches; tests pass their own. */
export interface CliHost {
  readonly commands: readonly Command[];
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly version: () => string;
  /** Reads certificates and passwords, and throws a CommandError for what is wrong with them. */
  readonly open: (connection: ConnectionFlags) => Promise<OpenCluster>;
}

const NOBODY: OpenCluster = {
  members: [],
  isAuthOn: async () => undefined,
  clusterVersion: async () => undefined,
};

/** `signal` is aborted by Ctrl-C. */
export async function runCli(
  host: CliHost,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<ExitCode> {
  const [name, ...rest] = argv;
  if (name === '--help' || name === '-h' || name === 'help') {
    host.stdout.write(programHelp(host.commands));
    return ETCD_EXIT.ok;
  }
  if (name === '--version') {
    host.stdout.write(`evenkeel-etcd ${host.version()}\n`);
    return ETCD_EXIT.ok;
  }
  const command = findCommand(host.commands, name);
  const { help, format, connection, flags } = parseFlags(command, rest);
  if (help) {
    host.stdout.write(commandHelp(command));
    return ETCD_EXIT.ok;
  }
  const cluster = connection.endpoints === undefined ? NOBODY : await host.open(connection);
  try {
    return await command.run({
      ...cluster,
      flags,
      format,
      timeoutMs: connection.timeoutMs,
      signal,
      print: (answer) => host.stdout.write(formatAnswer(answer, format)),
      say: (line) => host.stderr.write(`${line}\n`),
      stdout: host.stdout,
      stderr: host.stderr,
    });
  } catch (cause) {
    throw signal.aborted ? stopped(signal, cause) : unexpected(cause);
  } finally {
    for (const member of cluster.members) member.close();
  }
}

/** A bug or a full pipe must not look like a warning about the cluster, which 1 would. */
function unexpected(cause: unknown): unknown {
  if (cause instanceof CommandError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new CommandError(`${message} (run again with --debug for the stack)`, {
    exitCode: ETCD_EXIT.unknown,
    cause,
  });
}

function stopped(signal: AbortSignal, cause: unknown): CommandError {
  return new CommandError(`stopped by ${String(signal.reason)}`, {
    exitCode: ETCD_EXIT.unknown,
    cause,
  });
}

function findCommand(commands: readonly Command[], name: string | undefined): Command {
  const found = commands.find((command) => command.name === name);
  if (found !== undefined) return found;
  const names = commands.map((command) => command.name).join(', ');
  const problem = name === undefined ? 'no command' : `unknown command "${name}"`;
  throw new CommandError(`${problem}; there are: ${names} (see evenkeel-etcd --help)`);
}

function programHelp(commands: readonly Command[]): string {
  return [
    'evenkeel-etcd: is a member of this etcd cluster behind or diverged, and may it be upgraded?',
    '',
    'usage: evenkeel-etcd COMMAND --endpoints URL,URL [flags]',
    '',
    ...twoColumns(commands.map(({ name, summary }) => [name, summary])),
    '',
    'No command writes to the cluster or moves its leader. evenkeel-etcd COMMAND --help tells more.',
    '',
    'exit codes:',
    ...EXIT_CODE_LINES.map((line) => `  ${line}`),
    '',
    'example:',
    `  evenkeel-etcd ${commands[0]?.example ?? ''}`,
    '',
  ].join('\n');
}

function commandHelp({ name, summary, example, options }: Command): string {
  const flagLines = (list: typeof GLOBAL_OPTIONS): string[] =>
    twoColumns(
      list.map(({ name: flag, short, value, help }) => [
        `${short === undefined ? '' : `-${short}, `}--${flag}${value === undefined ? '' : ` ${value}`}`,
        help,
      ]),
    );
  return [
    `evenkeel-etcd ${name}: ${summary}`,
    '',
    `usage: evenkeel-etcd ${name} --endpoints URL,URL [flags]`,
    '',
    ...(options.length === 0 ? [] : [...flagLines(options), '']),
    ...flagLines(GLOBAL_OPTIONS),
    '',
    'exit codes:',
    ...EXIT_CODE_LINES.map((line) => `  ${line}`),
    '',
    'example:',
    `  evenkeel-etcd ${example}`,
    '',
  ].join('\n');
}

function twoColumns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
