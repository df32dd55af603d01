// What a command of evenkeel-etcd is, and what it is given.
import type { ExitCode } from '../common/exit-code.ts';
import type { MemberClient } from './member-client.ts';
import type { Answer, OutputFormat } from './output.ts';

/** A flag of one command, besides those that all have. */
export interface CommandOption {
  /** Without the dashes. */
  readonly name: string;
  /** What stands for the value in the help, such as `FILE`. Without it the flag is a switch. */
  readonly value?: string;
  readonly help: string;
}

/** As given: text of flags with a value, true for switches. */
export type FlagValues = Readonly<Partial<Record<string, string | boolean>>>;

/** Where a command writes what is neither a result nor an error. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** The members that the flags name, and what is asked of them all. */
export interface OpenCluster {
  /** One for each endpoint, in the order given; closed by whoever opened them. */
  readonly members: readonly MemberClient[];
  /** Undefined when nobody told. Makes no raft entry. */
  isAuthOn(): Promise<boolean | undefined>;
  /** What the cluster as a whole runs at, such as `3.5.0`; undefined when nobody told. */
  clusterVersion(): Promise<string | undefined>;
}

export interface CommandContext extends OpenCluster {
  /** Of the command's own options. */
  readonly flags: FlagValues;
  readonly format: OutputFormat;
  /** Of one call to a member. */
  readonly timeoutMs: number;
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  /** Writes a result to stdout in the format asked for; may be called again. */
  print(answer: Answer): void;
  /** A line about how the work goes, on stderr. */
  say(line: string): void;
  readonly stdout: Terminal;
  readonly stderr: Terminal;
}

/** One line of the table in main.ts. */
export interface Command {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** The arguments after the program's name. */
  readonly example: string;
  readonly options: readonly CommandOption[];
  /** The command can do some of its work without any member. */
  readonly endpointsOptional?: boolean;
  /** Reads its flags before it asks anybody; throws a CommandError for a wrong one. */
  readonly run: (context: CommandContext) => Promise<ExitCode>;
}
