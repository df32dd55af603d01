// Real kubectl through the door to three real kube-apiservers. Where a text of the apiserver is
// compared, it is compared with what the same command prints without the door.
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { type Cluster, useCluster } from './support/cluster.ts';
import { exchange, exchangeOn, openSession, type Protocol } from './support/exchange.ts';
import {
  bothWays,
  type Kubectl,
  type KubectlResult,
  kubectlWith,
  startKubectl,
  succeed,
} from './support/kubectl.ts';

const { test, cluster } = useCluster({ binaries: ['kubectl'] });

const BULK_OBJECTS = 2000;
const BULK_VALUE = 'x'.repeat(2048);
const MIB = 1024 * 1024;

async function admin(): Promise<{ direct: Kubectl; proxied: Kubectl }> {
  return bothWays(cluster(), { certificate: cluster().pki.admin });
}

/** Runs one command both ways and expects the same exit code and texts. */
async function expectSame(
  { direct, proxied }: { direct: Kubectl; proxied: Kubectl },
  args: readonly string[],
  stdin = '',
): Promise<KubectlResult> {
  const expected = withoutStamps(await direct(args, { stdin }));
  expect(withoutStamps(await proxied(args, { stdin }))).toEqual(expected);
  return expected;
}

/** Log lines of kubectl begin with the time and the process id; a review has the time it was made. */
function withoutStamps({ code, stdout, stderr }: KubectlResult): KubectlResult {
  return {
    code,
    stdout: stdout.replace(/"creationTimestamp": "[^"]*"/, ''),
    stderr: stderr.replaceAll(/^E\d{4} [\d:.]+ +\d+ /gm, ''),
  };
}

function configMap(name: string, data: Readonly<Record<string, string>>, version?: string): string {
  const metadata = { name, ...(version === undefined ? {} : { resourceVersion: version }) };
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
}

test('create, get, patch, apply and delete work through the door', async () => {
  const { proxied, direct } = await admin();
  const run = (args: readonly string[], stdin?: string) =>
    succeed(proxied(args, stdin === undefined ? {} : { stdin }));
  await run(['create', 'configmap', 'life', '--from-literal=a=1']);
  for (const [type, patch] of [
    ['strategic', '{"data":{"strategic":"2"}}'],
    ['merge', '{"data":{"merge":"3","a":null}}'],
    ['json', '[{"op":"add","path":"/data/json","value":"4"}]'],
  ] as const) {
    await run(['patch', 'configmap', 'life', `--type=${type}`, `--patch=${patch}`]);
  }
  const applied = await run(
    ['apply', '--server-side', '--filename=-'],
    configMap('life', { applied: '5' }),
  );
  expect(applied).toBe('configmap/life serverside-applied\n');
  const get = ['get', 'configmap', 'life', '--output=json'];
  const stored = await run(get);
  expect(JSON.parse(stored).data).toEqual({ strategic: '2', merge: '3', json: '4', applied: '5' });
  expect(await succeed(direct(get))).toBe(stored);
  expect(await run(['delete', 'configmap', 'life'])).toMatch(/^configmap "life" deleted/);
  expect((await proxied(get)).stderr).toBe(
    'Error from server (NotFound): configmaps "life" not found\n',
  );
});

test('a watch shows an object that is added while it runs', async () => {
  const { proxied } = await admin();
  const { kubeconfig, door, pki } = cluster();
  const path = await kubeconfig(door.url, { certificate: pki.admin });
  const watch = startKubectl(path, ['get', 'configmaps', '--watch', '--output=name']);
  let seen = '';
  watch.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    seen += chunk;
  });
  await succeed(proxied(['create', 'configmap', 'before-or-after']));
  await vi.waitFor(() => expect(seen).toContain('configmap/before-or-after\n'), 10_000);
  await succeed(proxied(['create', 'configmap', 'seen-by-the-watch']));
  await vi.waitFor(() => expect(seen).toContain('configmap/seen-by-the-watch\n'), 10_000);
  watch.kill('SIGKILL');
  await once(watch, 'exit');
});

test('what the apiserver refuses is refused in the same words', async () => {
  const asAdmin = await admin();
  const asAlice = await bothWays(cluster(), { token: cluster().tokens.alice });
  await succeed(asAdmin.direct(['create', 'configmap', 'refusals', '--from-literal=a=1']));
  const rows: readonly [string, RegExp, typeof asAdmin, string[], string?][] = [
    ['NotFound', /NotFound/, asAdmin, ['get', 'pod', 'nobody']],
    ['Forbidden', /Forbidden/, asAlice, ['get', 'secrets']],
    ['AlreadyExists', /AlreadyExists/, asAdmin, ['create', '-f', '-'], configMap('refusals', {})],
    ['Conflict', /Conflict/, asAdmin, ['replace', '-f', '-'], configMap('refusals', {}, '1')],
    ['Invalid', /is invalid/, asAdmin, ['create', '-f', '-'], configMap('Upper_Case', {})],
    ['no such kind', /the server doesn't have/, asAdmin, ['get', 'gizmos']],
    [
      'conflict of field managers',
      /conflict/,
      asAdmin,
      ['apply', '--server-side', '--field-manager=other', '-f', '-'],
      configMap('refusals', { a: '2' }),
    ],
    [
      'unknown field',
      /strict decoding error/,
      asAdmin,
      ['create', '-f', '-'],
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"strict"},"dato":{}}',
    ],
  ];
  for (const [name, pattern, kubectls, args, stdin] of rows) {
    const { code, stderr } = await expectSame(kubectls, args, stdin);
    expect(code, name).not.toBe(0);
    expect(stderr, name).toMatch(pattern);
  }
});

interface Login {
  readonly who: string;
  readonly identity: (at: Cluster) => Promise<Parameters<typeof bothWays>[1]>;
  readonly answer: RegExp;
  readonly args?: readonly string[];
}

const HOUR_MS = 3_600_000;
const SUBJECT = { commonName: 'carol', organizations: ['ops', 'dev'], uid: 'u-17' };

const LOGINS: readonly Login[] = [
  {
    who: 'a client certificate with two groups and a uid',
    identity: async ({ pki }) => ({ certificate: await pki.issueClient(SUBJECT) }),
    answer: /"username": "carol",\s+"uid": "u-17",\s+"groups": \[\s+"ops",\s+"dev",\s+"system:auth/,
  },
  {
    who: 'a bearer token',
    identity: async ({ tokens }) => ({ token: tokens.alice }),
    answer: /"username": "alice"/,
  },
  {
    who: 'a wrong token',
    identity: async () => ({ token: 'not-a-token' }),
    answer: /You must be logged in to the server/,
  },
  {
    who: 'a user name and password, which the apiserver does not look at,',
    identity: async () => ({}),
    // Without any credential kubectl asks for these.
    args: ['--username=admin', '--password=admin'],
    answer: /User "system:anonymous" cannot list resource "secrets"/,
  },
  {
    who: 'an expired certificate',
    identity: async ({ pki }) => ({
      certificate: await pki.issueClient(SUBJECT, {
        fileName: 'expired',
        notBefore: new Date(Date.now() - 2 * HOUR_MS),
        notAfter: new Date(Date.now() - HOUR_MS),
      }),
    }),
    answer: /You must be logged in to the server/,
  },
  {
    who: 'a certificate of another authority',
    identity: async ({ pki }) => ({
      certificate: await pki.issueClient(SUBJECT, { fileName: 'stranger', signedBy: 'other' }),
    }),
    answer: /You must be logged in to the server/,
  },
  {
    who: 'a certificate for servers',
    identity: async ({ pki }) => ({
      certificate: await pki.issueClient(SUBJECT, { fileName: 'usage', usage: 'serverAuth' }),
    }),
    answer: /You must be logged in to the server/,
  },
];

for (const { who, identity, answer, args = [] } of LOGINS) {
  test(`${who} is the same user direct and through the door`, async () => {
    const kubectls = await bothWays(cluster(), await identity(cluster()));
    const whoami = await expectSame(kubectls, [...args, 'auth', 'whoami', '--output=json']);
    const secrets = await expectSame(kubectls, [...args, 'get', '--raw=/api/v1/secrets']);
    expect(whoami.stdout + whoami.stderr + secrets.stderr).toMatch(answer);
  });
}

test('an administrator may impersonate, and others may not', async () => {
  const as = ['--as=bob', '--as-uid=u-9', '--as-group=dev', '--as-group=ops'];
  const allowed = await expectSame(await admin(), [...as, 'auth', 'whoami', '--output=json']);
  expect(JSON.parse(allowed.stdout).status.userInfo).toMatchObject({
    username: 'bob',
    uid: 'u-9',
    groups: ['dev', 'ops', 'system:authenticated'],
  });
  const alice = await bothWays(cluster(), { token: cluster().tokens.alice });
  const refused = await expectSame(alice, [...as, 'get', '--raw=/api/v1/secrets']);
  expect(refused.stderr).toMatch(/User "alice" cannot impersonate resource/);
});

test('two thousand configmaps are listed, in chunks and at once', async () => {
  const { proxied, direct } = await admin();
  await succeed(proxied(['create', 'namespace', 'bulk']));
  await createBulk();
  const list = ['get', 'configmaps', '--namespace=bulk', '--output=json'];
  const expected = JSON.parse(await succeed(direct([...list, '--chunk-size=0']))).items;
  expect(expected).toHaveLength(BULK_OBJECTS);
  for (const [chunkSize, requests] of [
    [500, BULK_OBJECTS / 500],
    [0, 1],
  ] as const) {
    const listed = await proxied([...list, `--chunk-size=${chunkSize}`, '-v=6']);
    expect(JSON.parse(listed.stdout).items).toEqual(expected);
    expect(listed.stderr.match(/bulk\/configmaps\S*"? status="200 OK"/g)).toHaveLength(requests);
  }
});

async function createBulk(): Promise<void> {
  const { door, pki } = cluster();
  const target = { url: door.url, ca: pki.clusterCa.cert, identity: { certificate: pki.admin } };
  const session = await openSession(target);
  let next = 0;
  const create = async (): Promise<void> => {
    while (next < BULK_OBJECTS) {
      const body = configMap(`bulk-${next++}`, { value: BULK_VALUE });
      const answer = await exchangeOn(session, target, {
        method: 'POST',
        path: '/api/v1/namespaces/bulk/configmaps',
        headers: { 'content-type': 'application/json' },
        body,
      });
      expect(answer.status, answer.body.toString()).toBe(201);
    }
  };
  await Promise.all(Array.from({ length: 20 }, create));
  session.close();
}

test('an object of one MiB goes there and comes back whole', async () => {
  const { proxied } = await admin();
  const value = 'abcdefg\n'.repeat(MIB / 8 - 100);
  const path = join(cluster().directory, 'log', 'large');
  await writeFile(path, value);
  await succeed(proxied(['create', 'configmap', 'large', `--from-file=value=${path}`]));
  const stored = await succeed(proxied(['get', 'configmap', 'large', '--output=json']));
  expect(JSON.parse(stored).data.value === value).toBe(true);
});

test('a create of five MiB gets the own answer of the apiserver', async () => {
  const body = configMap('too-large', { value: 'x'.repeat(5 * MIB) });
  const { stderr } = await expectSame(await admin(), ['create', '--filename=-'], body);
  expect(stderr).toMatch(/Request entity too large: limit is 3145728/);
  const { door, direct, pki } = cluster();
  const post = (protocol: Protocol, url: string) => {
    const target = { url, ca: pki.clusterCa.cert, identity: { certificate: pki.admin } };
    const headers = { 'content-type': 'application/json' };
    const path = '/api/v1/namespaces/default/configmaps';
    return exchange(protocol, target, { method: 'POST', path, headers, body });
  };
  const expected = await post('h2', direct.url);
  expect(expected.status).toBe(413);
  // Over HTTP/1.1 a direct client may see a reset connection instead, so that is not asked.
  for (const protocol of ['h2', 'http/1.1'] as const) {
    const proxied = await post(protocol, door.url);
    expect(proxied.status).toBe(413);
    expect(proxied.body.toString()).toBe(expected.body.toString());
  }
});

test('discovery, schema and explanations are the same', async () => {
  const kubectls = await admin();
  const schema = await expectSame(kubectls, ['get', '--raw', '/openapi/v2']);
  expect(schema.stdout.length).toBeGreaterThan(MIB);
  const resources = await expectSame(kubectls, ['api-resources', '--no-headers']);
  expect(resources.stdout).toMatch(/^pods +po +v1 +true +Pod$/m);
  const explained = await expectSame(kubectls, ['explain', 'pod.spec.containers']);
  expect(explained.stdout).toMatch(/KIND: +Pod/);
});

test('a kubectl that comes to a closed door says that it is closed', async () => {
  const { kubeconfig, pki } = cluster();
  const closed = await cluster().openDoor('closed');
  const path = await kubeconfig(closed.url, { certificate: pki.admin });
  await closed.child.kill();
  const { code, stderr } = await kubectlWith(path)(['get', 'pods']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/connection refused|connection to the server .* was refused/);
});
