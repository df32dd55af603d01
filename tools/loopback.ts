// Ports and readiness of components on this machine.
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_INTERVAL_MS = 50;
const PROBE_TIMEOUT_MS = 2000;

/**
 * Loopback ports that nobody listens on. All are held while the others are looked for, so that
 * they differ. Another process may still take one before it is used; that shows as a failed start.
 */
export async function findFreePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ports.push((server.address() as AddressInfo).port);
  }
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** The status code of a GET, or undefined when there is no answer within two seconds. */
export function probe(url: string, ca?: string): Promise<number | undefined> {
  const options = {
    agent: false,
    signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    ...(ca === undefined ? {} : { ca }),
  };
  const get = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    get(url, options, (response) => {
      response.resume().on('error', () => resolve(undefined));
      response.on('end', () => resolve(response.statusCode));
    })
      .on('error', () => resolve(undefined))
      .end();
  });
}

/** Asks until the answer is 200; throws after `limitMs`, or the reason of `signal` when aborted. */
export async function waitUntilHealthy(
  url: string,
  { ca, limitMs, signal }: { ca?: string; limitMs: number; signal: AbortSignal },
): Promise<void> {
  const deadline = performance.now() + limitMs;
  let status: number | undefined;
  while (performance.now() < deadline) {
    status = await probe(url, ca);
    if (status === 200) return;
    signal.throwIfAborted();
    await delay(POLL_INTERVAL_MS);
  }
  throw new Error(`${url}: not ready after ${limitMs} ms, last answer: ${status ?? 'none'}`);
}
