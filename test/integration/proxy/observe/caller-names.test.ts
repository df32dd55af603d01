// Who asks is named on the page, in the lists and in the log. A token must be in none of them.
import { randomBytes } from 'node:crypto';
import type { ServerHttp2Stream } from 'node:http2';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createLog } from '../../../../common/log.ts';
import { type DoorFixture, fetchAnswer, openTestDoor } from '../../../support/open-door.ts';

const logged: string[] = [];
const TOKEN = `eyJhbGciOiJSUzI1NiJ9.${randomBytes(60).toString('base64url')}.c2lnbmF0dXJl`;
const AGENT = 'operator/1';
/** What is left out of a shown name, so long, is no accident. */
const TELLING_LENGTH = 10;

let fixture: DoorFixture;

beforeAll(async () => {
  const log = createLog({ level: 'debug', stream: { write: (text) => logged.push(text) } });
  fixture = await openTestDoor(1, {}, {}, log);
  const [apiserver] = fixture.apiservers;
  if (apiserver === undefined) throw new Error('no apiserver');
  apiserver.behaviour = (stream: ServerHttp2Stream, headers) => {
    stream.respond({ ':status': 200, 'content-type': 'application/json' });
    const path = String(headers[':path']);
    if (path.includes('watch=')) return;
    if (path.endsWith('/lost')) stream.close(2);
    else stream.end('{}');
  };
});

afterAll(() => fixture.close());

async function read(path: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${fixture.door.adminPort}${path}`)).text();
}

interface Named {
  readonly names: readonly string[];
}

function byAgent(list: readonly Named[]): Named[] {
  return list.filter(({ names }) => names[1] === AGENT);
}

test('who sends a token is named by what tells nothing of it, and everywhere the same', async () => {
  const headers = { authorization: `Bearer ${TOKEN}`, 'user-agent': AGENT };
  const session = fixture.client();
  const watch = session.request({ ':path': '/api/v1/secrets?watch=1', ...headers });
  watch.on('error', () => {});
  await new Promise((resolve) => watch.once('response', resolve));
  for (const name of ['a', 'b', 'lost']) {
    await fetchAnswer(session, { ':path': `/api/v1/namespaces/n/pods/${name}`, ...headers });
  }
  // Another connection of the same sender is the same sender.
  await fetchAnswer(fixture.client(), { ':path': '/api/v1/namespaces/n/pods/c', ...headers });
  const names = [expect.stringMatching(/^bearer #[0-9a-f]{6}$/), AGENT, '127.0.0.1'];
  const top = await vi.waitFor(async () => {
    const report = JSON.parse(await read('/debug/top'));
    const { clientsByRequests, clientsByBytes, clientsByWatches } = report;
    for (const list of [clientsByRequests, clientsByBytes, clientsByWatches]) {
      expect(byAgent(list)).toEqual([expect.objectContaining({ names })]);
    }
    return report;
  }, 10_000);
  const user = byAgent(top.clientsByWatches)[0]?.names[0] ?? '';
  await vi.waitFor(async () => {
    const page = await read('/');
    // In the lists, and as the sender of what has failed.
    expect(page).toContain(`>${user}</bdi>`);
    expect(page).toContain(`from ${user} ${AGENT}`);
    expect(logged.filter((line) => line.includes(`"user":"${user}"`)).length).toBeGreaterThan(2);
  }, 10_000);
  const shown = await Promise.all(['/', '/debug/top', '/debug/endpoints', '/metrics'].map(read));
  const everything = [...shown, ...logged].join('\n');
  for (let at = 0; at + TELLING_LENGTH <= TOKEN.length; at += 1) {
    expect(everything).not.toContain(TOKEN.slice(at, at + TELLING_LENGTH));
  }
  watch.close();
});

test('who has shown a certificate is named by it, and who has shown nothing is anonymous', async () => {
  const path = '/api/v1/namespaces/n/pods/d';
  await fetchAnswer(fixture.client(fixture.pki.admin), { ':path': path, 'user-agent': 'a/1' });
  await fetchAnswer(fixture.client(), { ':path': path, 'user-agent': 'b/1' });
  await vi.waitFor(async () => {
    const { clientsByRequests } = JSON.parse(await read('/debug/top'));
    const users = (agent: string): unknown[] =>
      clientsByRequests.filter(({ names }: Named) => names[1] === agent);
    expect(users('a/1')).toEqual([
      expect.objectContaining({ names: ['admin', 'a/1', '127.0.0.1'] }),
    ]);
    expect(users('b/1')).toEqual([
      expect.objectContaining({ names: ['anonymous', 'b/1', '127.0.0.1'] }),
    ]);
  }, 10_000);
});
