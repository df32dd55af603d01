// Writes the pages of docs/ and the files of deploy/ that are made from code. test/repo/docs.test.ts
// and test/repo/deploy.test.ts fail when one is old.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../common/exit-code.ts';
import { ROOT_DIRECTORY } from './binaries.ts';
import { configurationPage } from './docs-configuration.ts';
import { metricsPage } from './docs-metrics.ts';
import { grafanaDashboard } from './grafana-dashboard.ts';
import { prometheusRules } from './prometheus-rules.ts';

async function main(): Promise<ExitCode> {
  const example = await readFile(join(ROOT_DIRECTORY, 'proxy/config.example.yaml'), 'utf8');
  await write('docs/configuration.md', configurationPage(example));
  await write('docs/metrics.md', await metricsPage());
  await write('deploy/prometheus/evenkeel.rules.yaml', prometheusRules());
  await write('deploy/grafana/evenkeel.json', grafanaDashboard());
  return EXIT_CODE.ok;
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(join(ROOT_DIRECTORY, file), text);
  process.stdout.write(`${file}\n`);
}

await runCommand(main);
