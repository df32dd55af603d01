// A real Prometheus that scrapes the door.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { binaryPath } from '../../tools/binaries.ts';
import type { ChildGroup } from '../../tools/child.ts';
import { type DebianProgram, fetchDebianProgram } from '../../tools/debian.ts';
import { findFreePorts, waitUntilHealthy } from '../../tools/loopback.ts';

/** Unpacked into .tools/bin, never installed. */
const PROGRAM: DebianProgram = {
  name: 'prometheus',
  package: 'prometheus',
  path: 'usr/bin/prometheus',
};
const READY_LIMIT_MS = 30_000;

export class Prometheus {
  readonly #url: string;

  private constructor(url: string) {
    this.#url = url;
  }

  /** @returns why it cannot run here, in words, where that is so */
  static async start(
    directory: string,
    children: ChildGroup,
    adminUrl: string,
    signal: AbortSignal,
  ): Promise<Prometheus | string> {
    const outcome = await fetchDebianProgram(PROGRAM, signal);
    if (outcome.kind === 'unavailable') return outcome.why;
    await mkdir(directory, { recursive: true });
    const configPath = join(directory, 'prometheus.yaml');
    const target = new URL(adminUrl).host;
    const config = {
      global: { scrape_interval: '1s' },
      scrape_configs: [{ job_name: 'evenkeel', static_configs: [{ targets: [target] }] }],
    };
    // JSON is YAML too.
    await writeFile(configPath, JSON.stringify(config));
    const [port = 0] = await findFreePorts(1);
    const child = children.start({
      name: 'prometheus',
      command: binaryPath(PROGRAM.name),
      args: [
        `--config.file=${configPath}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      logPath: join(directory, 'prometheus.log'),
    });
    const url = `http://127.0.0.1:${port}`;
    await child.untilReady((ended) =>
      waitUntilHealthy(`${url}/-/ready`, { limitMs: READY_LIMIT_MS, signal: ended }),
    );
    return new Prometheus(url);
  }

  /** The values of an instant query; empty when there is no such series. */
  async query(query: string): Promise<number[]> {
    const answer = await this.#get(`query?${new URLSearchParams({ query })}`);
    return (answer.data.result ?? []).map(({ value }) => Number(value[1]));
  }

  /** What went wrong with the last scrape; '' when nothing did. */
  async lastError(): Promise<string> {
    const { data } = await this.#get('targets');
    return data.activeTargets?.[0]?.lastError ?? 'no target';
  }

  async #get(path: string): Promise<ApiAnswer> {
    const response = await fetch(`${this.#url}/api/v1/${path}`);
    return (await response.json()) as ApiAnswer;
  }
}

interface ApiAnswer {
  readonly data: {
    readonly result?: readonly { readonly value: readonly [number, string] }[];
    readonly activeTargets?: readonly { readonly lastError: string }[];
  };
}
