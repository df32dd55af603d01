import { request as httpsRequest } from 'node:https';
import { afterEach, expect, test } from 'vitest';
import { type DoorFixture, fetchAnswer, openTestDoor } from '../../support/open-door.ts';

let fixture: DoorFixture | undefined;

afterEach(async () => {
  await fixture?.close();
  fixture = undefined;
});

async function open(): Promise<DoorFixture> {
  fixture = await openTestDoor(1);
  return fixture;
}

const GET = { ':method': 'GET', ':path': '/api/v1/namespaces/a/pods/p' };

test('a client certificate becomes identity headers on a connection with the front-proxy certificate', async () => {
  const door = await open();
  const user = await door.pki.issueClient({ commonName: 'jane', organizations: ['dev', 'ops'] });
  await fetchAnswer(door.client(user), { ...GET, 'x-remote-user': 'admin' });
  const [seen] = door.apiservers[0]?.seen ?? [];
  expect(seen?.certificate).toBe('front-proxy');
  expect(seen?.headers['x-remote-user']).toBe('jane');
  expect(seen?.headers['x-remote-group']).toBe('dev, ops');
});

test('a token travels without the front-proxy certificate and without identity headers', async () => {
  const door = await open();
  await fetchAnswer(door.client(), {
    ...GET,
    authorization: 'Bearer abc',
    'x-remote-user': 'admin',
    'x-remote-group': 'system:masters',
  });
  const [seen] = door.apiservers[0]?.seen ?? [];
  expect(seen?.certificate).toBe('');
  expect(seen?.headers.authorization).toBe('Bearer abc');
  expect(Object.keys(seen?.headers ?? {}).filter((name) => name.startsWith('x-remote'))).toEqual(
    [],
  );
});

test('a certificate of another authority is answered with 401', async () => {
  const door = await open();
  const stranger = await door.pki.issueClient(
    { commonName: 'admin', organizations: ['system:masters'] },
    { signedBy: 'other', fileName: 'stranger' },
  );
  const { status, body } = await fetchAnswer(door.client(stranger), GET);
  expect(status).toBe(401);
  expect(JSON.parse(body)).toMatchObject({ kind: 'Status', reason: 'Unauthorized' });
  expect(door.apiservers[0]?.seen).toEqual([]);
});

test('an HTTP/1.1 client is served on the same port', async () => {
  const door = await open();
  const body = await new Promise<string>((resolve, reject) => {
    const request = httpsRequest(
      `https://127.0.0.1:${door.door.port}/version`,
      { ca: door.pki.clusterCa.cert },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve(`${response.httpVersion} ${response.statusCode} ${text}`));
      },
    );
    request.on('error', reject);
    request.end();
  });
  expect(body).toBe('1.1 200 ok');
});
