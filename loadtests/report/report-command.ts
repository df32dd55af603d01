// `evenkeel-load report`: one arm, to look at.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { CommandError } from '../../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../../common/exit-code.ts';
import { readRuns } from '../gate/arms.ts';
import { formatRuns } from './runs-page.ts';

export const REPORT_HELP = `Writes one HTML file about the runs of one arm.

  evenkeel-load report FILE...    result files, or folders of them

  -o, --output FILE    where to (report.html)

Example: evenkeel-load report results/1.35 -o 1.35.html
`;

export async function runReportCommand(
  argv: readonly string[],
  signal: AbortSignal,
  stdout: { write(text: string): unknown } = process.stdout,
): Promise<ExitCode> {
  const { values, positionals } = parseFlags(argv);
  if (values.help === true) {
    stdout.write(REPORT_HELP);
    return EXIT_CODE.ok;
  }
  if (positionals.length === 0) throw new CommandError('expected FILE... (see --help)');
  const runs = await readRuns(positionals);
  signal.throwIfAborted();
  const file = values.output ?? 'report.html';
  await writeFile(file, formatRuns(runs));
  stdout.write(`written to ${file}\n`);
  return EXIT_CODE.ok;
}

function parseFlags(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        output: { type: 'string', short: 'o' },
      },
    });
  } catch (cause) {
    throw new CommandError((cause as Error).message, { cause });
  }
}
