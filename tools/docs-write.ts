// Writes the pages of docs/ that are made from code. test/repo/docs.test.ts fails when one is old.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../common/exit-code.ts';
import { ROOT_DIRECTORY } from './binaries.ts';
import { configurationPage } from './docs-configuration.ts';
import { metricsPage } from './docs-metrics.ts';

async function main(): Promise<ExitCode> {
  const example = await readFile(join(ROOT_DIRECTORY, 'proxy/config.example.yaml'), 'utf8');
  await write('docs/configuration.md', configurationPage(example));
  await write('docs/metrics.md', await metricsPage());
  return EXIT_CODE.ok;
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(join(ROOT_DIRECTORY, file), text);
  process.stdout.write(`${file}\n`);
}

await runCommand(main);
