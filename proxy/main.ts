#!/usr/bin/env node
import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { CommandError, runCommand } from '../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../common/exit-code.ts';
import { createLog, type Log } from '../common/log.ts';
import { type Config, loadConfig } from './config.ts';
import { ConfigReload } from './config-reload.ts';
import { type Door, openDoor } from './server.ts';
import { openWithWorkers } from './workers/primary.ts';
import { runWorker } from './workers/worker.ts';

const USAGE = `evenkeel: a load-balancing front door for kube-apiserver replicas

usage: evenkeel --config FILE [--check]

  --config FILE  the configuration; proxy/config.example.yaml shows and explains every key
  --check        read the configuration, say what is wrong with it, and exit
  --version      print the version and exit
  --help         print this and exit

exit codes: 0 ended as asked, 1 failed while running, 2 wrong usage or configuration

example:
  evenkeel --config /etc/evenkeel/config.yaml --check
`;

function parseFlags(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        config: { type: 'string' },
        check: { type: 'boolean' },
        version: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        debug: { type: 'boolean' },
      },
    }).values;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(`${message} (see evenkeel --help)`, { cause });
  }
}

function version(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  );
  return (manifest as { readonly version: string }).version;
}

async function main(argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  const flags = parseFlags(argv);
  if (flags.help) {
    process.stdout.write(USAGE);
    return EXIT_CODE.ok;
  }
  if (flags.version) {
    process.stdout.write(`evenkeel ${version()}\n`);
    return EXIT_CODE.ok;
  }
  if (flags.config === undefined) {
    throw new CommandError('--config FILE is missing (see evenkeel --help)');
  }
  const config = loadConfig(flags.config);
  if (flags.check) {
    process.stdout.write(`${flags.config}: ok\n`);
    return EXIT_CODE.ok;
  }
  // After eight quiet seconds V8 collects and shrinks its heap, up to nine times in a row, and the next burst
  // of requests pays for that (docs/decisions/0013). A door is not left alone for long.
  setFlagsFromString('--no-memory-reducer');
  const log = createLog({ level: config.log.level });
  if (cluster.isWorker) {
    // Ctrl-C reaches the whole process group: when to end is for the primary to say.
    const workerLog = log.child({ worker: cluster.worker?.id });
    const reload = new ConfigReload(flags.config, config, workerLog);
    // A hang-up of the terminal reaches the whole group; here it means nothing by itself.
    process.on('SIGHUP', () => {});
    await runWorker(config, workerLog, version(), process, reload);
    return EXIT_CODE.ok;
  }
  const door = await open(config, log).catch((cause: unknown) => {
    throw listenError(cause);
  });
  log.info(
    { address: config.listen.address, port: door.port, adminPort: door.adminPort },
    'the front door is open',
  );
  const reload = new ConfigReload(flags.config, config, log);
  reload.start((next) => door.reload(next));
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }
  reload.stop();
  log.info({ signal: signal.reason }, 'draining');
  await door.drain();
  log.info({}, 'the front door is closed');
  return EXIT_CODE.ok;
}

function open(
  config: Config,
  log: Log,
): Promise<Pick<Door, 'port' | 'adminPort' | 'reload' | 'drain'>> {
  const count = config.workers === 'auto' ? availableParallelism() : config.workers;
  return count === 1
    ? openDoor(config, log, version())
    : openWithWorkers(config, log, version(), count);
}

/** An address that cannot be listened on is for the operator to mend. */
function listenError(cause: unknown): unknown {
  if (!(cause instanceof Error) || !('syscall' in cause) || cause.syscall !== 'listen') {
    return cause;
  }
  return new CommandError(`cannot listen: ${cause.message}`, { cause });
}

await runCommand(main);
