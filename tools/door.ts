// The front door as its users start it: a process of its own with a configuration file.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT_DIRECTORY } from './binaries.ts';
import type { Child, ChildGroup } from './child.ts';
import { findFreePorts, waitUntilHealthy } from './loopback.ts';
import type { Pki } from './pki.ts';

export interface DoorOptions {
  /** Holds its configuration and its log. */
  readonly directory: string;
  readonly pki: Pki;
  /** Ends with these. */
  readonly children: ChildGroup;
  readonly endpoints: readonly { readonly name: string; readonly url: string }[];
  /** Further sections of the configuration, or other values of those given here. */
  readonly config?: Readonly<Record<string, object | number>>;
  /** Of Node, before the program: for a profile. */
  readonly nodeArguments?: readonly string[];
}

export interface DoorProcess {
  /** `https://127.0.0.1:port`. */
  readonly url: string;
  readonly port: number;
  readonly adminUrl: string;
  readonly child: Child;
  readonly logPath: string;
}

const READY_LIMIT_MS = 20_000;

/** Resolves when the door is open and has found an endpoint ready. */
export async function startDoor(options: DoorOptions): Promise<DoorProcess> {
  const { directory, pki, children } = options;
  const [port = 0, adminPort = 0] = await findFreePorts(2);
  const configPath = join(directory, 'door.yaml');
  const logPath = join(directory, 'door.log');
  const config = {
    listen: {
      address: '127.0.0.1',
      port,
      certificate: pki.door.certPath,
      key: pki.door.keyPath,
    },
    identity: { clientCA: pki.clusterCa.certPath },
    frontProxy: { certificate: pki.frontProxy.certPath, key: pki.frontProxy.keyPath },
    upstream: {
      ca: pki.clusterCa.certPath,
      endpoints: options.endpoints.map(({ name, url }) => ({ name, url })),
    },
    ...options.config,
    admin: { port: adminPort, ...Object(options.config?.admin) },
  };
  // JSON is YAML too.
  await writeFile(configPath, JSON.stringify(config, undefined, 2));
  const child = children.start({
    name: 'evenkeel',
    command: process.execPath,
    args: [
      ...(options.nodeArguments ?? []),
      join(ROOT_DIRECTORY, 'proxy/main.ts'),
      '--config',
      configPath,
    ],
    logPath,
  });
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  await child.untilReady((signal) =>
    waitUntilHealthy(`${adminUrl}/readyz`, { limitMs: READY_LIMIT_MS, signal }),
  );
  return { url: `https://127.0.0.1:${port}`, port, adminUrl, child, logPath };
}
