// What the wire engine costs beside other proxies: requests, uploads and watches, in one run.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError } from '../common/command.ts';
import { missingBinaries } from '../tools/binaries.ts';
import type { ChildGroup } from '../tools/child.ts';
import { formatTable } from '../tools/text-table.ts';
import type { Benchmark, BenchmarkContext, BenchmarkResult, NotRun } from './benchmark.ts';
import type { Options } from './options.ts';
import { findProgram, programVersion } from './peers/peer.ts';
import {
  type Backend,
  OBJECT_FOLDER,
  type OwnBackend,
  startKubeBackend,
  startOwnBackend,
  startReturnBackend,
} from './wire/backends.ts';
import { tablesOf } from './wire/report.ts';
import type { RequestResult, WatchResult, WireFigures } from './wire/result.ts';
import {
  halfRate,
  measureLoad,
  type Pace,
  type Stage,
  type StageLoad,
  withStage,
} from './wire/stage.ts';
import { type Choice, choosePeers } from './wire/subjects.ts';
import { measureIdleWatches, measureWatchEvents } from './wire/watches.ts';

const MIB = 1024 * 1024;
const STAGES: readonly string[] = ['small', 'large', 'watches', 'workers'];
const DEFAULTS: Pace & { watches: number; idleWatches: number } = {
  seconds: 0.5,
  rounds: 5,
  watches: 1000,
  idleWatches: 20_000,
};
const QUICK: typeof DEFAULTS = { seconds: 0.3, rounds: 2, watches: 200, idleWatches: 400 };

function smallLoad(connections: number, streams: number, bytes: 100 | 2048): StageLoad {
  const size = bytes === 2048 ? '2 KiB' : `${bytes} B`;
  const name = `${connections} x ${streams}, ${size}`;
  return { name, connections, streams, path: `${OBJECT_FOLDER}/${bytes}` };
}

const MAIN_LOAD = smallLoad(10, 10, 2048);
const SMALL_LOADS = [smallLoad(10, 100, 2048), smallLoad(100, 1, 2048), smallLoad(10, 10, 100)];
/** Connections are handed to the workers by turns, so each has ten. */
const WORKERS_LOAD = smallLoad(20, 10, 2048);
const QUICK_SMALL_LOADS = SMALL_LOADS.slice(0, 1);

interface Run {
  readonly context: BenchmarkContext;
  readonly choice: Choice;
  readonly settings: typeof DEFAULTS;
  /** A door for each number, with so many worker processes; one with one by default. */
  readonly workers?: readonly number[];
}

export const wire: Benchmark = {
  name: 'wire',
  title: 'the door beside HAProxy, nginx, Envoy, Go, Caddy and plain node: requests and watches',
  async run(context): Promise<BenchmarkResult> {
    const { options } = context;
    if (options.load !== undefined && !STAGES.includes(options.load)) {
      throw new CommandError(`--load: no load "${options.load}"; there are: ${STAGES.join(', ')}`);
    }
    const settings = settingsOf(options);
    const choice = await choosePeers(options.only);
    const run = { context, choice, settings };
    const measured = options.backend === 'kube' ? await runKube(run) : await runFast(run);
    const { seconds, rounds } = settings;
    const failed = measured.requests.flatMap((result) => result.notRun);
    const notRun = [...choice.notRun, ...failed, ...measured.notRun];
    const peers = choice.versions;
    const client = await clientName();
    const figures: WireFigures = { seconds, rounds, client, peers, ...measured, notRun };
    return { figures, lines: linesOf(figures) };
  },
};

async function clientName(): Promise<string> {
  const path = findProgram('h2load');
  if (path === undefined) return 'bench/load-client.ts';
  return `h2load ${await programVersion(path, ['--version'])}`;
}

function settingsOf({ quick, settings, watches, idleWatches }: Options): typeof DEFAULTS {
  const defaults = quick ? QUICK : DEFAULTS;
  return {
    seconds: settings.seconds ?? defaults.seconds,
    rounds: settings.rounds ?? defaults.rounds,
    watches: watches ?? defaults.watches,
    idleWatches: idleWatches ?? defaults.idleWatches,
  };
}

interface Measured {
  readonly requests: readonly RequestResult[];
  readonly watches?: WatchResult;
  readonly notRun: readonly NotRun[];
}

/** Runs `work` with all subjects before the backend that `start` starts. */
function inStage<B extends Backend, R>(
  { context, choice, settings, workers = [1] }: Run,
  name: string,
  start: (folder: string, children: ChildGroup) => Promise<B>,
  work: (stage: Stage<B>) => Promise<R>,
): Promise<R> {
  const folder = join(context.directory, name);
  const { peers } = choice;
  const subjects = { peers, workers };
  const begin = (children: ChildGroup): Promise<B> => start(join(folder, 'backend'), children);
  return withStage(context, { folder, subjects, pace: settings }, begin, work);
}

/** Stages with all subjects started anew: what one leaves behind is not the next's. */
async function runFast(run: Run): Promise<Measured> {
  const { load } = run.context.options;
  const wanted = (name: string): boolean => load === undefined || load === name;
  const requests: RequestResult[] = [];
  if (wanted('small')) requests.push(...(await inStage(run, 'small', startSmall, smallStage)));
  if (wanted('large')) requests.push(...(await inStage(run, 'large', startOwnBackend, largeStage)));
  if (wanted('workers')) requests.push(...(await runWorkers(run)));
  if (!wanted('watches')) return { requests, notRun: [] };
  const { result, notRun } = await runWatches(run);
  return { requests, watches: result, notRun };
}

async function runWatches(run: Run): Promise<{ result: WatchResult; notRun: NotRun[] }> {
  const { settings } = run;
  const idle = await inStage(run, 'idle', startOwnBackend, (stage) =>
    measureIdleWatches(stage, settings.idleWatches),
  );
  return inStage(run, 'watches', startOwnBackend, (stage) =>
    measureWatchEvents(stage, settings, idle),
  );
}

/** The door alone, by its number of workers. The requests per second are what counts here. */
function runWorkers(run: Run): Promise<RequestResult[]> {
  const alone = { ...run, choice: { ...run.choice, peers: [] }, workers: [1, 2] };
  return inStage(alone, 'workers', startSmall, async (stage) => [
    await measureLoad(stage, WORKERS_LOAD),
  ]);
}

async function smallStage(stage: Stage<Backend>): Promise<RequestResult[]> {
  const main = await measureLoad(stage, MAIN_LOAD);
  const requestsPerSecond = halfRate(main, MAIN_LOAD.connections);
  const name = `${MAIN_LOAD.name}, at ${requestsPerSecond} requests/s`;
  const results = [main, await measureLoad(stage, { ...MAIN_LOAD, name, requestsPerSecond })];
  for (const load of stage.context.options.quick ? QUICK_SMALL_LOADS : SMALL_LOADS) {
    results.push(await measureLoad(stage, load));
  }
  return results;
}

async function largeStage(stage: Stage<OwnBackend>): Promise<RequestResult[]> {
  const results: RequestResult[] = [];
  for (const load of await largeLoads(stage.folder)) results.push(await measureLoad(stage, load));
  return results;
}

async function startSmall(folder: string, children: ChildGroup): Promise<Backend> {
  return (await startReturnBackend(folder, children)) ?? startOwnBackend(folder, children);
}

async function largeLoads(folder: string): Promise<StageLoad[]> {
  const upload = Buffer.alloc(MIB, 'evenkeel ');
  const uploadPath = join(folder, 'upload');
  await writeFile(uploadPath, upload);
  const connections = 10;
  return [
    { name: '10 x 1, 1 MiB', connections, streams: 1, path: `${OBJECT_FOLDER}/${MIB}` },
    {
      name: '10 x 1, upload of 1 MiB',
      connections,
      streams: 1,
      path: OBJECT_FOLDER,
      upload,
      uploadPath,
    },
  ];
}

async function runKube(run: Run): Promise<Measured> {
  const missing = missingBinaries(['etcd', 'kube-apiserver']);
  if (missing.length > 0) {
    const reason = `no ${missing.join(', ')} in .tools/bin; run: npm run tools`;
    return { requests: [], notRun: [{ name: 'three kube-apiservers', reason }] };
  }
  const folder = join(run.context.directory, 'cluster');
  const { backend, path } = await startKubeBackend(run.context, folder);
  const requests = await inStage(
    run,
    'kube',
    () => Promise.resolve(backend),
    async (stage) => [await measureLoad(stage, { ...MAIN_LOAD, path })],
  );
  return { requests, notRun: [] };
}

function linesOf(figures: WireFigures): string[] {
  const tables = tablesOf(figures).flatMap(({ title, columns, rows }) => [
    title,
    '',
    ...formatTable(columns, rows),
    '',
  ]);
  return [...tables, ...figures.notRun.map(({ name, reason }) => `${name}: not run: ${reason}`)];
}
