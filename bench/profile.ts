// Where the door's processor time goes: self time by function and by module, under one load.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CommandError } from '../common/command.ts';
import { ROOT_DIRECTORY } from '../tools/binaries.ts';
import { ChildGroup } from '../tools/child.ts';
import { type DoorProcess, startDoor } from '../tools/door.ts';
import { formatTable } from '../tools/text-table.ts';
import type { Benchmark, BenchmarkContext, BenchmarkResult } from './benchmark.ts';
import { type CpuProfile, type SelfTime, selfTimes } from './profile/self-time.ts';
import { ask } from './wire/answer.ts';
import {
  type Backend,
  OBJECT_FOLDER,
  type OwnBackend,
  startOwnBackend,
  startReturnBackend,
} from './wire/backends.ts';
import type { Load } from './wire/load.ts';
import { takeSample } from './wire/sample.ts';
import { WatchLoad } from './wire/watch-load.ts';

const LOADS: readonly string[] = ['small', 'large', 'upload', 'watches'];
const DEFAULTS = { seconds: 5, connections: 10, streams: 10, watches: 1000 };
const EVENTS_PER_SECOND = 10;
const MIB = 1024 * 1024;
const QUICK_SECONDS = 1;
const WARM_UP_SECONDS = 1;
const SHOWN_ROWS = 40;
const KEPT_ROWS = 200;
/** Fine enough for functions of some microseconds, and still under a tenth of the time. */
const INTERVAL_MICROS = 200;
const PROFILE_LIMIT_MS = 20_000;
const POLL_INTERVAL_MS = 50;

export const profile: Benchmark = {
  name: 'profile',
  title: "where the door's processor time goes, by function and by module, under one load",
  async run(context): Promise<BenchmarkResult> {
    const { directory, options } = context;
    const name = options.load ?? 'small';
    if (!LOADS.includes(name)) {
      throw new CommandError(`--load: no load "${name}"; there are: ${LOADS.join(', ')}`);
    }
    const children = new ChildGroup();
    await context.onEnd(() => children.stop());
    const work = await startWork(name, { context, children });
    const { door } = work;
    // Until the compilers have seen enough.
    await work.run(WARM_UP_SECONDS);
    const fromMicros = nowMicros();
    const micros = await work.run(
      options.settings.seconds ?? (options.quick ? QUICK_SECONDS : DEFAULTS.seconds),
    );
    const untilMicros = nowMicros();
    await work.close();
    await door.child.terminate();
    const recorded = await readProfile(join(directory, 'profiles'));
    const times = selfTimes(recorded, ROOT_DIRECTORY, { fromMicros, untilMicros });
    const functions = times.functions.slice(0, KEPT_ROWS);
    return {
      figures: { load: work.title, micros, functions, modules: times.modules },
      lines: [
        `${work.title}: ${micros.toFixed(1)} us of processor time for each, profiling included`,
        '',
        ...table('function', functions.slice(0, SHOWN_ROWS)),
        '',
        ...table('module', times.modules.slice(0, SHOWN_ROWS)),
      ],
    };
  },
};

/** What the door is kept busy with. */
interface Work {
  readonly door: DoorProcess;
  readonly title: string;
  /** Resolves with the processor time of one request or event, in microseconds. */
  run(seconds: number): Promise<number>;
  close(): Promise<void>;
}

interface Setting {
  readonly context: BenchmarkContext;
  readonly children: ChildGroup;
}

interface Given<B extends Backend = Backend> extends Setting {
  readonly backend: B;
  readonly door: DoorProcess;
}

async function startWork(name: string, setting: Setting): Promise<Work> {
  const { context, children } = setting;
  const folder = join(context.directory, 'backend');
  if (name === 'watches') {
    const backend = await startOwnBackend(folder, children);
    return watchWork({ ...setting, backend, door: await startProfiledDoor(backend, setting) });
  }
  const fast = name === 'small' ? await startReturnBackend(folder, children) : undefined;
  const backend = fast ?? (await startOwnBackend(folder, children));
  const door = await startProfiledDoor(backend, setting);
  return requestWork({ ...setting, backend, door }, name);
}

function startProfiledDoor(
  { pki, upstreams }: Backend,
  { context, children }: Setting,
): Promise<DoorProcess> {
  const { directory } = context;
  const endpoints = upstreams.h2.map(({ name, host, port }) => ({
    name,
    url: `https://${host}:${port}`,
  }));
  const nodeArguments = [
    '--cpu-prof',
    `--cpu-prof-dir=${join(directory, 'profiles')}`,
    `--cpu-prof-interval=${INTERVAL_MICROS}`,
  ];
  return startDoor({ directory, pki, children, endpoints, nodeArguments });
}

async function requestWork(given: Given, name: string): Promise<Work> {
  const { context, children, backend, door } = given;
  const { directory, options, signal } = context;
  const { connections, streams } = { ...DEFAULTS, ...options.settings };
  const size = `${connections} x ${streams}`;
  const loads: Record<string, Load> = {
    small: { name: `${size}, 2 KiB`, connections, streams, path: `${OBJECT_FOLDER}/2048` },
    large: { name: '10 x 1, 1 MiB', connections, streams: 1, path: `${OBJECT_FOLDER}/${MIB}` },
  };
  const uploadPath = join(directory, 'upload');
  await writeFile(uploadPath, Buffer.alloc(MIB, 'evenkeel '));
  const upload = { connections, streams: 1, path: OBJECT_FOLDER, uploadPath };
  const load = loads[name] ?? { ...upload, name: '10 x 1, upload of 1 MiB' };
  const target = { name: 'evenkeel', url: door.url, pid: door.child.pid };
  const { headers, pki } = backend;
  const caPath = pki.clusterCa.certPath;
  const question = { url: door.url, path: load.path, caPath, headers };
  const body = load.uploadPath === undefined ? {} : { upload: Buffer.alloc(MIB) };
  const bodyBytes = (await ask({ ...question, ...body })).body.length;
  const environment = { children, directory, caPath, headers, bodyBytes, signal };
  return {
    door,
    title: load.name,
    run: async (seconds) => {
      const sample = await takeSample(load, target, { ...environment, seconds });
      return sample.cpuMicrosPerRequest ?? 0;
    },
    close: () => Promise.resolve(),
  };
}

function watchWork({ context, children, backend, door }: Given<OwnBackend>): Work {
  const { directory, options } = context;
  const watches = options.watches ?? DEFAULTS.watches;
  const target = { name: 'evenkeel', url: door.url, pid: door.child.pid };
  const environment = { children, directory, maxWatches: watches, group: 'profile' };
  const load = new WatchLoad(target, backend, environment);
  let opened = false;
  return {
    door,
    title: `${watches} watches, ${EVENTS_PER_SECOND} events each second to all`,
    run: async (seconds) => {
      if (!opened) await load.open(watches);
      opened = true;
      await load.measure(seconds, EVENTS_PER_SECOND);
      return load.samples.at(-1)?.cpuMicrosPerEvent ?? 0;
    },
    close: () => load.close(),
  };
}

/** As the profile's clock. */
function nowMicros(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Node writes it when it ends, and an end by a signal that we sent may be ahead of it. */
async function readProfile(folder: string): Promise<CpuProfile> {
  const deadline = performance.now() + PROFILE_LIMIT_MS;
  while (performance.now() < deadline) {
    const [file] = await readdir(folder).catch(() => []);
    if (file !== undefined) return JSON.parse(await readFile(join(folder, file), 'utf8'));
    await delay(POLL_INTERVAL_MS);
  }
  throw new Error('the door has written no profile');
}

function table(what: string, times: readonly SelfTime[]): string[] {
  return formatTable(
    [{ title: 'self %', align: 'right' }, { title: 'self ms', align: 'right' }, { title: what }],
    times.map(({ percent, ms, name }) => [percent.toFixed(1), ms.toFixed(0), name]),
  );
}
