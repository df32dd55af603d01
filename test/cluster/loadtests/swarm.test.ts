// The swarm as a program, against a real kube-apiserver and through the door.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import type { ResultLine } from '../../../loadtests/result.ts';
import { ask } from '../../../loadtests/run/cluster.ts';
import { ROOT_DIRECTORY } from '../../../tools/binaries.ts';
import { type Cluster, useCluster } from '../support/cluster.ts';

const { test, cluster } = useCluster({ replicas: 1 });
const main = join(ROOT_DIRECTORY, 'loadtests/swarm/main.ts');

/** Runs it until its second window, and then sends SIGINT. */
async function runSwarm({ directory, pki, tokens }: Cluster, url: string, more: string[]) {
  const ca = join(directory, 'swarm-ca.pem');
  const tokenFile = join(directory, 'swarm-token');
  await writeFile(ca, pki.clusterCa.cert);
  await writeFile(tokenFile, tokens.admin);
  const access = ['--server', url, '--ca', ca, '--token-file', tokenFile];
  // The duration ends what the signal does not.
  const argv = [main, ...access, '--watchers', '120', '--duration', '60s', ...more];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = once(child, 'exit');
  const complaints = text(child.stderr);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (some: string) => {
    output += some;
    if (output.split('\n').length > 2) child.kill('SIGINT');
  });
  const [code] = await exit;
  expect(code, await complaints).toBe(0);
  const lines = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ResultLine);
  const metric = (name: string): number | undefined => {
    const found = lines.find((line) => line.type === 'metric' && line.name === name);
    return found?.type === 'metric' ? found.value : undefined;
  };
  return { lines, metric };
}

test('watchers of a real kube-apiserver and of the door miss nothing, in both encodings', async () => {
  const running = cluster();
  const runs = [
    await runSwarm(running, running.direct.url, [
      ...['--mode', 'watch-list', '--encoding', 'protobuf'],
      ...['--resource', 'leases', '--shards', '4'],
    ]),
    await runSwarm(running, running.door.url, ['--resource', 'configmaps', '--selector', 'a=b']),
    await runSwarm(running, running.direct.url, ['--encoding', 'protobuf']),
  ];
  for (const { lines, metric } of runs) {
    expect(metric('watch_events_lost')).toBe(0);
    expect(metric('watch_events_duplicated')).toBe(0);
    expect(metric('watch_events_out_of_order')).toBe(0);
    expect(metric('watch_unrecovered')).toBe(0);
    const [latency] = lines.filter(
      (line) => line.type === 'metric' && line.name.startsWith('watch_latency_p99'),
    );
    expect(latency).toMatchObject({ unit: 'ms', observations: expect.any(Number) });
    expect(latency?.type === 'metric' && latency.observations).toBeGreaterThan(0);
    expect(lines.at(-1)?.type).toBe('end');
  }
  const { direct, pki, tokens } = running;
  const access = { server: direct.url, caPem: pki.clusterCa.cert, token: tokens.admin };
  for (const collection of ['/api/v1/configmaps', '/apis/coordination.k8s.io/v1/leases']) {
    const left = await ask(access, 'GET', `${collection}?labelSelector=evenkeel.dev/load`);
    expect([left.status, JSON.parse(left.body).items]).toEqual([200, []]);
  }
});
