#!/usr/bin/env node
import { CommandError, runCommand } from '../common/command.ts';
import { EXIT_CODE } from '../common/exit-code.ts';
import { runManifestCommand } from './distributed/manifest-command.ts';
import { runMergeCommand } from './distributed/merge-command.ts';
import { runGateCommand } from './gate/gate-command.ts';
import { runUpCommand } from './local/up-command.ts';
import { runReportCommand } from './report/report-command.ts';
import { runCleanCommand } from './run/clean-command.ts';
import { runRunCommand } from './run/run-command.ts';
import { suiteNames } from './run/suite.ts';

type LoadCommand = (argv: readonly string[], signal: AbortSignal) => Promise<number>;

const COMMANDS: Readonly<Record<string, LoadCommand>> = {
  up: (argv, signal) => runUpCommand(argv, signal),
  run: (argv, signal) => runRunCommand(argv, signal),
  clean: (argv, signal) => runCleanCommand(argv, signal),
  gate: (argv, signal) => runGateCommand(argv, signal),
  report: (argv, signal) => runReportCommand(argv, signal),
  manifest: (argv, signal) => runManifestCommand(argv, signal),
  merge: (argv, signal) => runMergeCommand(argv, signal),
};

function help(): string {
  return `Loads a Kubernetes control plane, and says whether a change has made it worse.

  evenkeel-load up                 a control plane on this machine to run suites against
  evenkeel-load run SUITE          one run of a suite
  evenkeel-load gate A B           a verdict over the runs of two arms, saved or fresh
  evenkeel-load report FILE...     one HTML file about runs
  evenkeel-load manifest SUITE     the same suite on several machines, by the k6-operator
  evenkeel-load merge LOG...       one result of what those have written
  evenkeel-load clean              removes what runs have left behind

Suites: ${suiteNames().join(', ')}

Each command has --help.
`;
}

await runCommand(async ([name = '--help', ...argv], signal) => {
  if (name === '--help' || name === '-h') {
    process.stdout.write(help());
    return EXIT_CODE.ok;
  }
  const command = COMMANDS[name];
  if (command === undefined) {
    const names = Object.keys(COMMANDS).join(', ');
    throw new CommandError(`unknown command "${name}": expected one of ${names}`);
  }
  // The gate has verdicts of its own beyond the codes that all programs share.
  return (await command(argv, signal)) as (typeof EXIT_CODE)[keyof typeof EXIT_CODE];
});
