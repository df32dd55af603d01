// How `run` reaches the control plane that `up` holds in another process: a socket beside the
// kubeconfig, in a folder that only its owner may enter.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { CommandError } from '../../common/command.ts';
import { isFaultName, type Site, type SiteDescription } from './site.ts';

const SOCKET = 'site.sock';
/** The folder of a kubeconfig that `up` has written is one below the socket's. */
const LEVELS_UP = join('..', '..');
// A rolling restart of three kube-apiservers under load takes a minute.
const FAULT_LIMIT_MS = 10 * 60_000;

/** Answers until the returned function is called. */
export async function serveSite(site: Site, directory: string): Promise<() => Promise<void>> {
  const server = createServer((incoming, response) => {
    answer(site, incoming).then(
      (body) => reply(response, 200, body),
      (error: unknown) => {
        reply(response, 409, { error: error instanceof Error ? error.message : String(error) });
      },
    );
  });
  server.listen(join(directory, SOCKET));
  await once(server, 'listening');
  return async () => {
    server.closeAllConnections();
    await once(server.close(), 'close');
  };
}

async function answer(site: Site, { method, url = '' }: IncomingMessage): Promise<object> {
  if (method === 'GET' && url === '/') return await site.describe();
  const [, name = ''] = /^\/faults\/([a-z-]+)$/.exec(url) ?? [];
  if (method !== 'POST' || !isFaultName(name)) throw new Error(`${method} ${url}: not known`);
  return { target: await site.fault(name) };
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** The site of a kubeconfig that `up` has written; undefined for any other. */
export function findSite(kubeconfig: string): Site | undefined {
  const socketPath = join(dirname(kubeconfig), LEVELS_UP, SOCKET);
  if (!existsSync(socketPath)) return undefined;
  const ask = async (method: string, path: string): Promise<Record<string, unknown>> => {
    const sent = request({ socketPath, method, path, timeout: FAULT_LIMIT_MS });
    sent.on('timeout', () => sent.destroy(new Error('no answer')));
    const got = once(sent, 'response') as Promise<[IncomingMessage]>;
    sent.end();
    const [response] = await got.catch((cause: Error) => {
      throw new CommandError(`evenkeel-load up: ${cause.message}; does it still run?`, { cause });
    });
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    const body = JSON.parse(text) as Record<string, unknown>;
    if (response.statusCode !== 200) throw new Error(String(body.error));
    return body;
  };
  return {
    describe: async () => (await ask('GET', '/')) as unknown as SiteDescription,
    fault: async (name) => String((await ask('POST', `/faults/${name}`)).target),
  };
}
