// `evenkeel-load up`: a control plane to run suites against, for as long as the command runs.
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { CommandError } from '../../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../../common/exit-code.ts';
import { LOCAL_FLAGS, LOCAL_HELP, type LocalShape, parseLocal } from './local-arguments.ts';
import { type LocalCluster, startLocalCluster } from './local-cluster.ts';
import { serveSite } from './site-socket.ts';

export const UP_HELP = `Starts a control plane of real components on this machine. Ctrl-C ends it.

  evenkeel-load up

${LOCAL_HELP}

Example: evenkeel-load up --door
         evenkeel-load run kubelet-heartbeat --kubeconfig FILE --fault replica-kill@10s

Exit codes: 0 ended by Ctrl-C; 1 failed; 2 called wrongly.
`;

export interface UpOutput {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

export async function runUpCommand(
  argv: readonly string[],
  signal: AbortSignal,
  output: UpOutput = process,
): Promise<ExitCode> {
  const shape = parseUp(argv);
  if (shape === 'help') {
    output.stdout.write(UP_HELP);
    return EXIT_CODE.ok;
  }
  const log = (line: string): void => void output.stderr.write(`${line}\n`);
  let cluster: LocalCluster;
  try {
    cluster = await startLocalCluster({ ...shape, signal, log });
  } catch (error) {
    // Ctrl-C is how this command ends, also before it has begun.
    if (signal.aborted) return EXIT_CODE.ok;
    throw error;
  }
  // Sockets keep a process alive, and waiting for a signal alone does not.
  const closeSite = await serveSite(cluster, cluster.directory);
  try {
    output.stdout.write(`${cluster.addresses()}`);
    log('ready; Ctrl-C ends it');
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    log('ending everything');
    await closeSite();
    await cluster.stop();
  }
  return EXIT_CODE.ok;
}

function parseUp(argv: readonly string[]): LocalShape | 'help' {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        ...LOCAL_FLAGS,
        help: { type: 'boolean', short: 'h' },
        debug: { type: 'boolean' },
      },
    });
    return values.help === true ? 'help' : parseLocal(values);
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError((cause as Error).message, { cause });
  }
}
