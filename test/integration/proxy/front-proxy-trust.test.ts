// A front-proxy certificate that the apiservers' client CA has signed: kube-apiserver takes whoever
// comes on such a connection for the user of that certificate, X-Remote-* or not, so every client
// would be one user. Seen with a kubelet-client certificate on kube-apiserver 1.34.4: everybody was
// in system:masters, and /readyz passed.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLog } from '../../../common/log.ts';
import { parseConfig } from '../../../proxy/config.ts';
import { type Door, openDoor } from '../../../proxy/server.ts';
import { type Simulator, startSimulator } from '../../../simulator/cluster.ts';
import type { Credential } from '../../../tools/pki.ts';

let directory: string;
let simulator: Simulator;
let door: Door | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'evenkeel-trust-'));
  simulator = await startSimulator({ directory, replicas: 1 });
});

afterEach(async () => {
  await door?.drain();
  await simulator.stop();
  await rm(directory, { recursive: true, force: true });
});

async function openWith(frontProxy: Credential): Promise<Door> {
  const { pki, replicas } = simulator;
  const config = {
    listen: {
      address: '127.0.0.1',
      port: 0,
      certificate: pki.door.certPath,
      key: pki.door.keyPath,
    },
    identity: { clientCA: pki.clusterCa.certPath },
    frontProxy: { certificate: frontProxy.certPath, key: frontProxy.keyPath },
    upstream: { ca: pki.clusterCa.certPath, endpoints: replicas.map(({ url }) => url) },
    admin: { port: 0 },
    drain: { timeout: '1s', watchSpread: '10ms' },
  };
  const parsed = parseConfig(JSON.stringify(config), (path) => readFileSync(path, 'utf8'));
  door = await openDoor(parsed, createLog({ level: 'silent' }), '0.0.0-test');
  return door;
}

test('an endpoint that believes the certificate is ready when the door opens', async () => {
  const opened = await openWith(simulator.pki.frontProxy);
  expect(opened.readyEndpoints()).toBe(1);
});

test('an endpoint that takes the certificate for a client is never used, and it is said why', async () => {
  const opened = await openWith(simulator.pki.kubeletClient);
  expect(opened.readyEndpoints()).toBe(0);
  const page = await (await fetch(`http://127.0.0.1:${opened.adminPort}/debug/endpoints`)).text();
  expect(page).toContain('kube-apiserver-kubelet-client');
  expect(page).toContain('--requestheader-client-ca-file');
});
