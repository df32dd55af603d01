import { request } from 'node:https';
import type { ControlPlane, Replica } from '../../tools/control-plane.ts';
import { type DemoReplicas, RESOURCE, type ReplicaCounts } from './replica.ts';

/** A scrape of a real replica costs it some 20 ms. */
const COUNT_INTERVAL_MS = 1000;
const SCRAPE_TIMEOUT_MS = 2000;

/** The processes of a control plane. */
export function realReplicas(controlPlane: ControlPlane): DemoReplicas {
  const { pki, tokens } = controlPlane;
  return {
    kind: 'real',
    countIntervalMs: COUNT_INTERVAL_MS,
    replicas: controlPlane.replicas.map((replica) => ({
      name: replica.name,
      url: replica.url,
      port: replica.port,
      kill: () => replica.kill(),
      restart: () => replica.restart(),
      counts: () => countsOf(replica, pki.clusterCa.cert, tokens.admin),
    })),
    stop: () => controlPlane.stop(),
  };
}

async function countsOf(
  replica: Replica,
  ca: string,
  token: string,
): Promise<ReplicaCounts | undefined> {
  if (!replica.running) return undefined;
  const text = await scrape(`${replica.url}/metrics`, ca, token);
  return text === undefined ? undefined : readCounts(text);
}

/** The demo's requests and watches in the text of a kube-apiserver's /metrics. */
export function readCounts(text: string): ReplicaCounts {
  let requests = 0;
  let watches = 0;
  for (const line of text.split('\n')) {
    if (!line.includes(`resource="${RESOURCE}"`)) continue;
    const value = Number(line.slice(line.lastIndexOf(' ') + 1));
    const watch = line.includes('verb="WATCH"');
    if (line.startsWith('apiserver_request_total{') && !watch) requests += value;
    if (line.startsWith('apiserver_longrunning_requests{') && watch) watches += value;
  }
  return { requests, watches };
}

/** Undefined when there is no answer, as from a replica that has just been killed. */
function scrape(url: string, ca: string, token: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = {
      ca,
      agent: false,
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(SCRAPE_TIMEOUT_MS),
    };
    request(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => resolve(undefined));
      response.on('end', () =>
        resolve(response.statusCode === 200 ? Buffer.concat(chunks).toString() : undefined),
      );
    })
      .on('error', () => resolve(undefined))
      .end();
  });
}
