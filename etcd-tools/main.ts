#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { runCommand } from '../common/command.ts';
import { advise } from './advise.ts';
import { runCli } from './cli.ts';
import type { Command } from './command.ts';
import { gate } from './gate.ts';
import { hash } from './hash.ts';
import { health } from './health.ts';
import { lag } from './lag.ts';
import { postcheck } from './postcheck.ts';
import { preflight } from './preflight.ts';
import { repairPlan } from './repair-plan.ts';
import { serve } from './serve.ts';
import { snapshot } from './snapshot.ts';
import { upgradePlan } from './upgrade-plan.ts';

/** In the order of the help. */
const COMMANDS: readonly Command[] = [
  lag,
  health,
  hash,
  advise,
  upgradePlan,
  snapshot,
  preflight,
  gate,
  postcheck,
  repairPlan,
  serve,
];

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
      // Loaded when there is somebody to ask: it takes as long as all the rest.
      open: async (connection) => (await import('./connect.ts')).openCluster(connection),
    },
    argv,
    signal,
  ),
);
