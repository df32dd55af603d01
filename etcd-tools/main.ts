#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { runCommand } from '../common/command.ts';
import { runCli } from './cli.ts';
import type { Command } from './command.ts';
import { connectMembers } from './connect.ts';
import { health } from './health.ts';

/** In the order of the help. */
const COMMANDS: readonly Command[] = [health];

function version(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  );
  return (manifest as { readonly version: string }).version;
}

await runCommand((argv, signal) =>
  runCli(
    {
      commands: COMMANDS,
      stdout: process.stdout,
      stderr: process.stderr,
      version,
      open: connectMembers,
    },
    argv,
    signal,
  ),
);
