// What is measured, and one measurement of it.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Child, ChildGroup } from '../tools/child.ts';
import { JsonLines } from '../tools/json-lines.ts';
import type { LoadSample, LoadSpec } from './load-client.ts';
import { readProcessSeconds } from './process-time.ts';
import { ask } from './wire/answer.ts';

export interface SubjectSpec extends Omit<LoadSpec, 'connections' | 'streams' | 'bodyBytes'> {
  readonly name: string;
  /** The process whose processor time is counted; none when there is no door in the way. */
  readonly doorPid?: number;
}

export interface Settings {
  readonly seconds: number;
  readonly rounds: number;
  readonly connections: number;
  readonly streams: number;
}

export interface Sample {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the door's process, all threads. */
  readonly cpuMicrosPerRequest?: number;
  readonly errors: number;
}

/** Beyond the time of a run: the last answers have to come in. */
const RUN_LIMIT_MS = 30_000;
const LOAD_CLIENT = fileURLToPath(new URL('load-client.ts', import.meta.url));

/**
 * The body that each of the subject's addresses answers with. Throws unless all of them answer 200
 * with the same one: a figure of wrong answers is no figure.
 */
export async function fetchBody(subject: SubjectSpec): Promise<Buffer> {
  const bodies = await Promise.all(subject.urls.map((url) => fetchFrom(url, subject)));
  const [first] = bodies;
  if (first === undefined) throw new Error(`${subject.name}: has no address`);
  if (first.length === 0) throw new Error(`${subject.name}: answers without a body`);
  if (bodies.some((body) => !body.equals(first))) {
    throw new Error(`${subject.name}: its addresses answer differently`);
  }
  return first;
}

async function fetchFrom(url: string, subject: SubjectSpec): Promise<Buffer> {
  const { name, path } = subject;
  const { status, body } = await ask({ ...subject, url });
  if (status !== 200) throw new Error(`${name}: ${url} answers ${status} to ${path}`);
  return body;
}

/** A subject with a load client before it, which keeps its connections from run to run. */
export class MeasuredSubject {
  readonly name: string;
  readonly samples: Sample[] = [];
  readonly #doorPid: number | undefined;
  readonly #client: Child;
  readonly #lines: JsonLines;

  constructor(
    { name, doorPid, ...spec }: SubjectSpec,
    settings: Settings,
    environment: { children: ChildGroup; directory: string; bodyBytes: number },
  ) {
    const { connections, streams } = settings;
    const { bodyBytes } = environment;
    const loadSpec: LoadSpec = { ...spec, connections, streams, bodyBytes };
    this.name = name;
    this.#doorPid = doorPid;
    this.#client = environment.children.start({
      name: `load client of ${name}`,
      command: process.execPath,
      args: [LOAD_CLIENT, JSON.stringify(loadSpec)],
      logPath: join(environment.directory, 'load-client.log'),
      interactive: true,
    });
    this.#lines = new JsonLines(this.#client.name, this.#client.requireStdout());
  }

  /** One run that does not count: connections, caches and compilers get warm. */
  async warmUp(seconds: number): Promise<void> {
    await this.#run(seconds);
  }

  async measure(seconds: number): Promise<void> {
    const cpuBefore = this.#doorSeconds();
    const { requests, errors, p50Ms, p99Ms, seconds: took } = await this.#run(seconds);
    const cpuSeconds = this.#doorSeconds() - cpuBefore;
    this.samples.push({
      requestsPerSecond: requests / took,
      p50Ms,
      p99Ms,
      ...(this.#doorPid === undefined
        ? {}
        : { cpuMicrosPerRequest: (cpuSeconds / requests) * 1e6 }),
      errors,
    });
  }

  #doorSeconds(): number {
    return this.#doorPid === undefined ? 0 : readProcessSeconds(this.#doorPid);
  }

  async #run(seconds: number): Promise<LoadSample> {
    const answer = this.#lines.next(
      ({ event }) => event === 'sample',
      AbortSignal.timeout(seconds * 1000 + RUN_LIMIT_MS),
    );
    this.#client.stdin?.write(`${seconds}\n`);
    return (await answer) as unknown as LoadSample;
  }
}
