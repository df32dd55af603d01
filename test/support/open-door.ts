// The front door in the test's own process, before scripted or simulated apiservers.

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog, type Log } from '../../common/log.ts';
import { type Config, parseConfig } from '../../proxy/config.ts';
import { type Door, openDoor } from '../../proxy/server.ts';
import { type Credential, createPki, type Pki } from '../../tools/pki.ts';
import { ScriptedApiserver } from './scripted-apiserver.ts';

export interface DoorFixture {
  readonly pki: Pki;
  readonly door: Door;
  readonly apiservers: readonly ScriptedApiserver[];
  /** The door is given another list of endpoints, as by an edit of its file. */
  list(apiservers: readonly ScriptedApiserver[]): void;
  /** Opens a client connection; it is closed with the fixture. */
  client(identity?: Credential): ClientHttp2Session;
  close(): Promise<void>;
}

/** A door before `count` scripted apiservers, with further configuration (and of `upstream`). */
export async function openTestDoor(
  count: number,
  config: Readonly<Record<string, object>> = {},
  upstream: object = {},
  log: Log = createLog({ level: 'silent' }),
): Promise<DoorFixture> {
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-test-'));
  const pki = await createPki(directory);
  const apiservers = Array.from({ length: count }, () => new ScriptedApiserver(pki));
  for (const apiserver of apiservers) await apiserver.listen();
  const textOf = (listed: readonly ScriptedApiserver[]): string =>
    JSON.stringify({
      listen: {
        address: '127.0.0.1',
        port: 0,
        certificate: pki.door.certPath,
        key: pki.door.keyPath,
      },
      identity: { clientCA: pki.clusterCa.certPath },
      frontProxy: { certificate: pki.frontProxy.certPath, key: pki.frontProxy.keyPath },
      upstream: {
        ca: pki.clusterCa.certPath,
        endpoints: listed.map(({ url }) => url),
        ...upstream,
      },
      admin: { port: 0 },
      drain: { timeout: '2s', watchSpread: '50ms' },
      ...config,
    });
  const configOf = (listed: readonly ScriptedApiserver[]): Config =>
    parseConfig(textOf(listed), (path) => readFileSync(path, 'utf8'));
  const door = await openDoor(configOf(apiservers), log, '0.0.0-test');
  const sessions: ClientHttp2Session[] = [];
  const fixture: DoorFixture = {
    pki,
    door,
    apiservers,
    list: (listed) => door.reload(configOf(listed)),
    client(identity) {
      const session = connect(`https://127.0.0.1:${door.port}`, {
        ca: pki.clusterCa.cert,
        ...(identity === undefined ? {} : { cert: identity.cert, key: identity.key }),
      });
      session.on('error', () => {});
      sessions.push(session);
      return session;
    },
    async close() {
      for (const session of sessions) session.destroy();
      await door.drain();
      await Promise.all(apiservers.map((apiserver) => apiserver.kill().catch(() => {})));
      await rm(directory, { recursive: true });
    },
  };
  await untilReady(fixture);
  return fixture;
}

/** Waits until every apiserver has passed its first health check. */
async function untilReady({ door }: DoorFixture): Promise<void> {
  while (door.readyEndpoints() < door.endpointCount) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** How the stream ended: 0 for END_STREAM, else the code of RST_STREAM. */
  readonly resetCode: number;
}

/** One request to its end; never rejects for what the server does. */
export function fetchAnswer(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string | Buffer,
): Promise<Answer> {
  return new Promise((resolve) => {
    const stream = session.request(headers, { endStream: body === undefined });
    let text = '';
    let response: Answer['headers'] & { ':status'?: number } = {};
    stream.setEncoding('latin1');
    stream.on('response', (fields) => {
      response = fields as typeof response;
    });
    stream.on('data', (chunk: string) => {
      text += chunk;
    });
    stream.on('error', () => {});
    stream.on('close', () =>
      resolve({
        status: Number(response[':status'] ?? 0),
        headers: response,
        body: text,
        resetCode: stream.rstCode ?? 0,
      }),
    );
    if (body !== undefined) stream.end(body);
  });
}
