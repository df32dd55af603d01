// The door of the scenario: one of its endpoints is behind a relay that can be cut, and it can be
// replaced by a new process on the same port.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT_DIRECTORY } from '../../tools/binaries.ts';
import type { Child } from '../../tools/child.ts';
import type { ControlPlane } from '../../tools/control-plane.ts';
import { startDoor } from '../../tools/door.ts';
import { findFreePorts, waitUntilHealthy } from '../../tools/loopback.ts';
import { parseSamples, sumSamples } from '../apiserver-metrics.ts';
import { Relay } from './relay.ts';

const READY_LIMIT_MS = 20_000;
const POLL_MS = 20;

export class DoorUnderTest {
  readonly url: string;
  readonly relay: Relay;
  readonly #controlPlane: ControlPlane;
  readonly #directory: string;
  #adminUrl: string;
  #child: Child;

  private constructor(
    controlPlane: ControlPlane,
    directory: string,
    relay: Relay,
    door: { readonly url: string; readonly adminUrl: string; readonly child: Child },
  ) {
    this.#controlPlane = controlPlane;
    this.#directory = directory;
    this.relay = relay;
    this.url = door.url;
    this.#adminUrl = door.adminUrl;
    this.#child = door.child;
  }

  /** The last replica is the one behind the relay. */
  static async start(controlPlane: ControlPlane, directory: string): Promise<DoorUnderTest> {
    const last = controlPlane.replicas.at(-1);
    if (last === undefined) throw new Error('a control plane without a replica');
    const relay = new Relay(last.port);
    await relay.listen();
    const endpoints = controlPlane.replicas.map((replica) => ({
      name: replica.name,
      url: replica === last ? relay.url : replica.url,
    }));
    const door = await startDoor({
      directory,
      pki: controlPlane.pki,
      children: controlPlane.children,
      endpoints,
      config: { drain: { timeout: '30s', watchSpread: '3s' } },
    });
    return new DoorUnderTest(controlPlane, directory, relay, door);
  }

  /** SIGTERM, and a new process as soon as the old one has left the port. */
  async restart(): Promise<void> {
    process.kill(this.#child.pid, 'SIGTERM');
    while ((await this.#adminStatus()) === 200) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    const [adminPort = 0] = await findFreePorts(1);
    const config = JSON.parse(await readFile(join(this.#directory, 'door.yaml'), 'utf8'));
    const path = join(this.#directory, `door-${adminPort}.yaml`);
    // The old process keeps its admin port until its last watch has ended.
    await writeFile(path, JSON.stringify({ ...config, admin: { port: adminPort } }));
    this.#child = this.#controlPlane.children.start({
      name: 'evenkeel',
      command: process.execPath,
      args: [join(ROOT_DIRECTORY, 'proxy/main.ts'), '--config', path],
      logPath: join(this.#directory, `door-${adminPort}.log`),
    });
    this.#adminUrl = `http://127.0.0.1:${adminPort}`;
    await this.#child.untilReady((signal) =>
      waitUntilHealthy(`${this.#adminUrl}/readyz`, { limitMs: READY_LIMIT_MS, signal }),
    );
  }

  /** Times that a watch went on elsewhere, by `reason result`. */
  async continuations(): Promise<string> {
    const answer = await fetch(`${this.#adminUrl}/metrics`);
    const samples = parseSamples(await answer.text());
    const name = 'evenkeel_watch_continuations_total';
    const seen = samples.filter((sample) => sample.name === name && sample.value > 0);
    return seen
      .map(({ labels, value }) => `${value} ${labels.reason} ${labels.result}`)
      .concat(`${sumSamples(samples, 'evenkeel_relists_avoided_total', {})} relists avoided`)
      .join(', ');
  }

  async close(): Promise<void> {
    await this.relay.close();
  }

  async #adminStatus(): Promise<number> {
    return fetch(`${this.#adminUrl}/readyz`).then(
      ({ status }) => status,
      () => 0,
    );
  }
}
