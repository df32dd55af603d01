// Where the door's processor time goes: self time by function and by module, under one load.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ROOT_DIRECTORY } from '../tools/binaries.ts';
import { ChildGroup } from '../tools/child.ts';
import { startDoor } from '../tools/door.ts';
import { formatTable } from '../tools/text-table.ts';
import type { Benchmark, BenchmarkContext, BenchmarkResult } from './benchmark.ts';
import { type CpuProfile, type SelfTime, selfTimes } from './profile/self-time.ts';
import {
  type Backend,
  OBJECT_FOLDER,
  startOwnBackend,
  startReturnBackend,
} from './wire/backends.ts';
import type { Load } from './wire/load.ts';
import { takeSample } from './wire/sample.ts';

const DEFAULTS = { seconds: 5, connections: 10, streams: 10 };
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
  title: "where the door's processor time goes, by function and by module, at GET of 2 KiB",
  async run(context): Promise<BenchmarkResult> {
    const { directory, options, signal } = context;
    const children = new ChildGroup();
    await context.onEnd(() => children.stop());
    const backend: Backend =
      (await startReturnBackend(join(directory, 'backend'), children)) ??
      (await startOwnBackend(join(directory, 'own-backend'), children));
    const { headers, pki } = backend;
    const endpoints = backend.upstreams.h2.map(({ name, host, port }) => ({
      name,
      url: `https://${host}:${port}`,
    }));
    const door = await startDoor({
      directory,
      pki,
      children,
      endpoints,
      nodeArguments: [
        '--cpu-prof',
        `--cpu-prof-dir=${join(directory, 'profiles')}`,
        `--cpu-prof-interval=${INTERVAL_MICROS}`,
      ],
    });
    const load = loadOf(context);
    const seconds = options.settings.seconds ?? (options.quick ? QUICK_SECONDS : DEFAULTS.seconds);
    const target = { name: 'evenkeel', url: door.url, pid: door.child.pid };
    const caPath = pki.clusterCa.certPath;
    const environment = { children, directory, caPath, headers, bodyBytes: 2048, signal };
    // Until the compilers have seen enough.
    await takeSample(load, target, { ...environment, seconds: WARM_UP_SECONDS });
    const fromMicros = nowMicros();
    const sample = await takeSample(load, target, { ...environment, seconds });
    const untilMicros = nowMicros();
    await door.child.terminate();
    const recorded = await readProfile(join(directory, 'profiles'));
    const times = selfTimes(recorded, ROOT_DIRECTORY, { fromMicros, untilMicros });
    const functions = times.functions.slice(0, KEPT_ROWS);
    return {
      figures: { load: load.name, sample, functions, modules: times.modules },
      lines: [
        `${load.name}: ${(sample.cpuMicrosPerRequest ?? 0).toFixed(1)} us of processor time for ` +
          'each request, profiling included; idle time is left out',
        '',
        ...table('function', functions.slice(0, SHOWN_ROWS)),
        '',
        ...table('module', times.modules.slice(0, SHOWN_ROWS)),
      ],
    };
  },
};

/** As the profile's clock. */
function nowMicros(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

function loadOf({ options }: BenchmarkContext): Load {
  const { connections, streams } = { ...DEFAULTS, ...options.settings };
  const name = `${connections} x ${streams}, 2 KiB`;
  return { name, connections, streams, path: `${OBJECT_FOLDER}/2048` };
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
