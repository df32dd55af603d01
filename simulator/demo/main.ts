import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandError, runCommand } from '../../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../../common/exit-code.ts';
import { missingBinaries } from '../../tools/binaries.ts';
import { ChildGroup } from '../../tools/child.ts';
import { startControlPlane } from '../../tools/control-plane.ts';
import { startDoor } from '../../tools/door.ts';
import { createPki, type Pki } from '../../tools/pki.ts';
import { realReplicas } from './real-replicas.ts';
import type { DemoReplicas } from './replica.ts';
import { playScenario } from './scenario.ts';
import { Screen } from './screen.ts';
import { startSimulatedReplicas } from './simulated-replicas.ts';
import { doorKept } from './verdict.ts';

const USAGE = `npm run demo: one kube-apiserver of three is killed and comes back, seen by clients
that reach them through a TCP balancer, and by clients that go through evenkeel

usage: npm run demo -- [--real] [--seconds N] [--clients N]

  --real       real kube-apiservers and etcd (built by: npm run tools) in place of simulated ones
  --seconds N  how long clients work, 8 to 50 (default 30)
  --clients N  how many clients, 6 to 200, half of them each way (default 60)
  --help       print this and exit

Every client is an informer (list, watch, and what client-go does when a watch ends) that also gets,
lists and updates, on a connection of its own. Time is sped up: a watch lasts 5 to 10 s where
client-go has minutes, and evenkeel gives a fresh replica its full share after 3 s instead of 30 s.

exit codes: 0 no request through evenkeel failed, 1 the demo could not run or was stopped,
  2 wrong usage, 3 a request through evenkeel failed
`;

const REPLICAS = 3;
const NEEDED_BINARIES = ['etcd', 'kube-apiserver'];

interface Flags {
  readonly real: boolean;
  readonly seconds: number;
  readonly clients: number;
  readonly help: boolean;
}

function parseFlags(argv: readonly string[]): Flags {
  const { values } = parseArgsOrExplain(argv);
  return {
    real: values.real ?? false,
    help: values.help ?? false,
    seconds: readNumber('--seconds', values.seconds ?? '30', 8, 50),
    // Both sides get as many.
    clients: 2 * Math.ceil(readNumber('--clients', values.clients ?? '60', 6, 200) / 2),
  };
}

function parseArgsOrExplain(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        real: { type: 'boolean' },
        seconds: { type: 'string' },
        clients: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
        debug: { type: 'boolean' },
      },
    });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(`${message} (see npm run demo -- --help)`, { cause });
  }
}

function readNumber(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new CommandError(
      `${flag}: expected a whole number from ${least} to ${most}, got "${text}"`,
    );
  }
  return value;
}

async function main(argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  const flags = parseFlags(argv);
  if (flags.help) {
    process.stdout.write(USAGE);
    return EXIT_CODE.ok;
  }
  const missing = flags.real ? missingBinaries(NEEDED_BINARIES) : [];
  if (missing.length > 0) {
    throw new CommandError(`--real needs ${missing.join(' and ')}; run: npm run tools`);
  }
  survivePartingTerminal();
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-demo-'));
  const screen = new Screen(process.stdout);
  signal.addEventListener('abort', () => screen.note('Stopping ...'));
  try {
    return await runIn(directory, flags, screen, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    return EXIT_CODE.failure;
  } finally {
    screen.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** When the terminal is closed, or a pipe's reader ends, there is still something to clean up. */
function survivePartingTerminal(): void {
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  process.once('SIGHUP', () => process.kill(process.pid, 'SIGTERM'));
}

async function runIn(
  directory: string,
  { real, seconds, clients }: Flags,
  screen: Screen,
  signal: AbortSignal,
): Promise<ExitCode> {
  const children = new ChildGroup();
  const endAtOnce = (): void => void children.stop(); // Never rejects.
  signal.addEventListener('abort', endAtOnce, { once: true });
  let started: { readonly replicas: DemoReplicas; readonly pki: Pki } | undefined;
  try {
    screen.note(
      `Starting ${REPLICAS} ${real ? 'real' : 'simulated'} kube-apiservers and evenkeel ...`,
    );
    started = await startReplicas(directory, real);
    signal.throwIfAborted();
    const { replicas, pki } = started;
    const door = await startDoor({
      directory,
      pki,
      children,
      endpoints: replicas.replicas,
      config: { balancing: { slowStart: '3s' } },
    });
    const report = await playScenario({
      replicas,
      pki,
      doorUrl: door.url,
      clients,
      seconds,
      signal,
      onUpdate: (now) => screen.update(now),
      onPhaseEnd: (now) => screen.phaseEnded(now),
    });
    screen.finish(report);
    return doorKept(report) ? EXIT_CODE.ok : EXIT_CODE.checkFailed;
  } finally {
    signal.removeEventListener('abort', endAtOnce);
    await children.stop();
    await started?.replicas.stop();
  }
}

async function startReplicas(
  directory: string,
  real: boolean,
): Promise<{ readonly replicas: DemoReplicas; readonly pki: Pki }> {
  if (real) {
    const controlPlane = await startControlPlane({
      directory: join(directory, 'control-plane'),
      replicas: REPLICAS,
    });
    return { replicas: realReplicas(controlPlane), pki: controlPlane.pki };
  }
  const pki = await createPki(join(directory, 'pki'));
  return { replicas: await startSimulatedReplicas(pki, REPLICAS), pki };
}

await runCommand(main);
