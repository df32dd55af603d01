import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../../simulator/cluster.ts';
import { type Credentials, connectTo, type Request, send } from './client.ts';
import { replicaOf } from './support.ts';

let simulator: Simulator;
const anonymous: Credentials = 'none';
const review: Request = {
  method: 'POST',
  path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
  body: { kind: 'SelfSubjectReview', apiVersion: 'authentication.k8s.io/v1' },
};

beforeAll(async () => {
  simulator = await startSimulator({ replicas: 1 });
});

afterAll(() => simulator.stop());

/** One request on a connection of its own. */
async function sendAs(credentials: Credentials, request: Request) {
  const session = await connectTo(replicaOf(simulator).url, simulator.pki, credentials);
  try {
    return await send(session, request);
  } finally {
    session.destroy();
  }
}

async function whoAmI(credentials: Credentials, headers: Request['headers'] = {}) {
  const answer = await sendAs(credentials, { ...review, headers });
  const status = answer.body?.status as { userInfo?: object } | undefined;
  return answer.status === 201 ? status?.userInfo : answer.status;
}

test('a client certificate of the cluster CA is its common name and organizations', async () => {
  const client = await simulator.pki.issueClient({
    commonName: 'bob',
    organizations: ['dev', 'ops,with comma'],
    uid: 'u-1',
  });
  expect(await whoAmI(client)).toEqual({
    username: 'bob',
    uid: 'u-1',
    groups: ['dev', 'ops,with comma', 'system:authenticated'],
    extra: {
      'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^X509SHA256=/)],
    },
  });
});

test('X-Remote-* counts for the front proxy, and for nobody else', async () => {
  const headers = {
    'x-remote-user': 'carol',
    'x-remote-group': ['team one', 'team two'],
    'x-remote-uid': '42',
    'x-remote-extra-example.com%2fscope': 'read',
  };
  expect(await whoAmI(simulator.pki.frontProxy, headers)).toEqual({
    username: 'carol',
    uid: '42',
    groups: ['team one', 'team two', 'system:authenticated'],
    extra: { 'example.com/scope': ['read'] },
  });
  expect(await whoAmI(simulator.pki.admin, headers)).toMatchObject({ username: 'admin' });
  expect(await whoAmI(anonymous, headers)).toBe(403);
});

test('the front proxy without a user, and a certificate of a stranger, are nobody: 401', async () => {
  const stranger = await simulator.pki.issueClient({ commonName: 'admin' }, { signedBy: 'other' });
  const impostor = await simulator.pki.issueClient(
    { commonName: 'not-the-proxy' },
    { signedBy: 'frontProxy' },
  );
  expect(await whoAmI(simulator.pki.frontProxy)).toBe(401);
  expect(await whoAmI(stranger)).toBe(401);
  expect(await whoAmI(impostor, { 'x-remote-user': 'admin' })).toBe(401);
  // What fails as a certificate may still come with a good token.
  expect(await whoAmI(stranger, { authorization: 'Bearer token-alice' })).toMatchObject({
    username: 'alice',
  });
});

test('bearer tokens: a known one is its user, a wrong one is a 401', async () => {
  expect(await whoAmI(anonymous, { authorization: 'Bearer token-alice' })).toEqual({
    username: 'alice',
    uid: expect.any(String),
    groups: ['dev', 'ops', 'system:authenticated'],
  });
  const refused = await sendAs(anonymous, { ...review, headers: { authorization: 'Bearer nope' } });
  expect(refused.body).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Unauthorized',
    reason: 'Unauthorized',
    code: 401,
  });
});

test('who may not is told so in the real words', async () => {
  const refused = await sendAs(anonymous, {
    path: '/api/v1/namespaces/default/pods',
    headers: { authorization: 'Bearer token-alice' },
  });
  expect([refused.status, refused.body?.message]).toEqual([
    403,
    'pods is forbidden: User "alice" cannot list resource "pods" in API group "" in the namespace "default"',
  ]);
});

test('the allowed may impersonate, the others may not', async () => {
  const headers = { 'impersonate-user': 'dave', 'impersonate-group': 'x' };
  expect(await whoAmI(simulator.pki.admin, headers)).toEqual({
    username: 'dave',
    groups: ['x', 'system:authenticated'],
  });
  expect(await whoAmI(anonymous, { ...headers, authorization: 'Bearer token-alice' })).toBe(403);
});

test.each([
  ['an anonymous request', {}],
  ['a wrong token', { authorization: 'Bearer nope' }],
])('%s is answered, and then its connection gets a GOAWAY', async (_name, headers) => {
  const session = await connectTo(replicaOf(simulator).url, simulator.pki, anonymous);
  const goaway = once(session, 'goaway');
  const answer = await send(session, { path: '/readyz', headers });
  expect([200, 401]).toContain(answer.status);
  const [code, lastStream] = await goaway;
  expect([code, lastStream]).toEqual([0, 1]);
  await once(session, 'close');
});

test('a known user keeps the connection', async () => {
  const session = await connectTo(replicaOf(simulator).url, simulator.pki);
  let goaways = 0;
  session.on('goaway', () => goaways++);
  for (const path of ['/readyz', '/api/v1/pods', '/nowhere']) await send(session, { path });
  expect(goaways).toBe(0);
  expect(session.remoteSettings.maxConcurrentStreams).toBe(100);
  session.destroy();
});
