// What `manifest` writes, on a real kube-apiserver, and k6 on exactly the files that it holds, as the
// account that it makes. The operator itself is not here: its CRD's part that a manifest uses is written
// down below after k6-operator api/v1alpha1/testrun_types.go, and the command line of a runner after
// pkg/resources/jobs/runner.go and pkg/segmentation/segmentation.go.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test as plainTest } from 'vitest';
import { runManifestCommand } from '../../../loadtests/distributed/manifest-command.ts';
import { runMergeCommand } from '../../../loadtests/distributed/merge-command.ts';
import { readKubeconfig } from '../../../loadtests/kubeconfig.ts';
import { type LocalCluster, startLocalCluster } from '../../../loadtests/local/local-cluster.ts';
import { parseResult } from '../../../loadtests/result.ts';
import { ask } from '../../../loadtests/run/cluster.ts';
import { binaryPath, missingBinaries } from '../../../tools/binaries.ts';

const missing = missingBinaries(['etcd', 'kube-apiserver', 'kubectl', 'k6']);
const reason = missing.length > 0 ? ` (not run: no ${missing.join(', ')} in .tools/bin)` : '';
const test = (name: string, run: () => Promise<void>): void =>
  plainTest.skipIf(missing.length > 0)(`${name}${reason}`, run);

const { signal } = new AbortController();
const run = promisify(execFile);
const PARALLELISM = 2;
let directory = '';
let cluster: LocalCluster;

const text = { type: 'string' };
const object = (properties: object): object => ({ type: 'object', properties });
const listOf = (items: object): object => ({ type: 'array', items });
const POD = object({
  image: text,
  serviceAccountName: text,
  automountServiceAccountToken: text,
  securityContext: object({
    runAsNonRoot: { type: 'boolean' },
    runAsUser: { type: 'integer' },
    seccompProfile: object({ type: text }),
  }),
  containerSecurityContext: object({
    allowPrivilegeEscalation: { type: 'boolean' },
    capabilities: object({ drop: listOf(text) }),
  }),
  env: listOf(
    object({
      name: text,
      value: text,
      valueFrom: object({ fieldRef: object({ apiVersion: text, fieldPath: text }) }),
    }),
  ),
});
const SPEC = {
  ...object({
    parallelism: { type: 'integer', format: 'int32' },
    arguments: text,
    script: object({ configMap: object({ name: text, file: text }) }),
    initializer: POD,
    runner: POD,
  }),
  required: ['parallelism', 'script'],
};
const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'testruns.k6.io' },
  spec: {
    group: 'k6.io',
    scope: 'Namespaced',
    names: { kind: 'TestRun', listKind: 'TestRunList', plural: 'testruns', singular: 'testrun' },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: object({ spec: SPEC }) },
      },
    ],
  },
};

interface Item {
  readonly kind: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly arguments: string;
    readonly script: { readonly configMap: { readonly file: string } };
    readonly runner: {
      readonly env: readonly { readonly name: string; readonly value?: string }[];
    };
  };
}

beforeAll(async () => {
  if (missing.length > 0) return;
  directory = await mkdtemp(join(tmpdir(), 'evenkeel-manifest-'));
  const shape = { replicas: 1, etcdMembers: 1, door: false };
  cluster = await startLocalCluster({ ...shape, signal, log: () => undefined });
});

afterAll(async () => {
  await cluster?.stop();
  if (directory !== '') await rm(directory, { recursive: true, force: true });
});

async function kubectl(...args: string[]): Promise<string> {
  const { stdout } = await run(binaryPath('kubectl'), [
    '--kubeconfig',
    cluster.kubeconfig,
    ...args,
  ]);
  return stdout;
}

/** Strictly, so that a field that the operator does not have is an error; then for good. */
async function applyManifest(manifest: string, written: string): Promise<void> {
  const crd = join(directory, 'crd.json');
  await writeFile(crd, JSON.stringify(CRD));
  await kubectl('apply', '-f', crd);
  await kubectl('wait', '--for=condition=Established', '--timeout=60s', 'crd/testruns.k6.io');
  const apply = ['apply', '--server-side', '--validate=strict', '-f'];
  await kubectl(...apply, manifest, '--dry-run=server');
  const wrong = join(directory, 'wrong.json');
  await writeFile(wrong, written.replace('"runner":', '"runners":'));
  await expect(kubectl(...apply, wrong, '--dry-run=server')).rejects.toThrow(/runners/);
  await kubectl(...apply, manifest);
}

/** As the operator's pods run it; the log of each. */
async function runRunners(written: string): Promise<string[]> {
  const items = (JSON.parse(written) as { readonly items: readonly Item[] }).items;
  const files = items.find(({ kind }) => kind === 'ConfigMap')?.data ?? {};
  for (const [name, script] of Object.entries(files))
    await writeFile(join(directory, name), script);
  const access = readKubeconfig(cluster.kubeconfig);
  const spec = items.find(({ kind }) => kind === 'TestRun')?.spec;
  const set = Object.fromEntries(
    (spec?.runner.env ?? []).map(({ name, value = '' }) => [name, value]),
  );
  const environment = {
    ...set,
    LOAD_SERVER: access.server,
    LOAD_TOKEN_FILE: join(directory, 'token'),
    SSL_CERT_FILE: join(directory, 'ca.pem'),
  };
  await writeFile(
    environment.LOAD_TOKEN_FILE,
    await kubectl('create', 'token', 'load-event-storm'),
  );
  await writeFile(environment.SSL_CERT_FILE, access.caPem ?? '');
  const runner = async (index: number): Promise<string> => {
    const { stdout } = await run(
      binaryPath('k6'),
      [
        ...[
          'run',
          '--quiet',
          `--execution-segment=${index - 1}/${PARALLELISM}:${index}/${PARALLELISM}`,
        ],
        ...['--execution-segment-sequence=0,1/2,1', ...(spec?.arguments.split(' ') ?? [])],
        ...[join(directory, spec?.script.configMap.file ?? ''), '--address=127.0.0.1:0'],
        ...['--tag', `instance_id=${index}`, '--tag', 'testrun_name=load-event-storm'],
      ],
      {
        env: { ...environment, HOME: directory, LOAD_RUN_ID: `load-event-storm-${index}` },
        maxBuffer: 1 << 28,
      },
    );
    const log = join(directory, `${index}.json`);
    await writeFile(log, stdout);
    return log;
  };
  return await Promise.all([runner(1), runner(2)]);
}

test('two runners load a cluster as one, by what a manifest holds and no more rights', async () => {
  const manifest = join(directory, 'manifest.json');
  const argv = ['event-storm', '--parallelism', `${PARALLELISM}`, '--nodes', '20'];
  const short = ['--warmup', '1', '--duration', '4', '-o', manifest];
  expect(await runManifestCommand([...argv, ...short], signal)).toBe(0);

  const written = await readFile(manifest, 'utf8');
  await applyManifest(manifest, written);
  const access = readKubeconfig(cluster.kubeconfig);
  const logs = await runRunners(written);

  let said = '';
  const output = {
    stdout: { write: () => true },
    stderr: { write: (line: string) => (said += line) },
  };
  const result = join(directory, 'merged.ndjson');
  const merge = ['--manifest', manifest, '-o', result];
  expect([0, 3]).toContain(await runMergeCommand([...merge, ...logs], signal, output));
  const merged = parseResult(await readFile(result, 'utf8'), result);
  const named = (name: string) => merged.metrics.find((metric) => metric.name === name);
  const errors = named('errors{POST events resource}');
  expect(errors?.value, said).toBe(0);
  const alone = await Promise.all(
    logs.map(async (log) =>
      (await readFile(log, 'utf8')).match(
        /^\{"metric":"http_req_duration".*POST events.*"measure"/gm,
      ),
    ),
  );
  const counts = alone.map((lines) => lines?.length ?? 0);
  expect(Math.min(...counts)).toBeGreaterThan(0);
  expect(errors?.observations).toBe(counts.reduce((sum, count) => sum + count, 0));

  const [first = ''] = logs;
  await expect(runMergeCommand([...merge, first, first], signal, output)).rejects.toThrow(
    /expected the logs of 2 runners, got 2, of runners 1$/,
  );
  const left = await ask(
    access,
    'GET',
    '/api/v1/namespaces/default/events?labelSelector=evenkeel.dev/load',
  );
  expect((JSON.parse(left.body) as { readonly items: readonly object[] }).items).toEqual([]);
  // Nothing that the suite does not send.
  const may = ['auth', 'can-i', '--as=system:serviceaccount:default:load-event-storm'];
  for (const what of [
    ['get', 'secrets'],
    ['create', 'clusterrolebindings'],
  ]) {
    await expect(kubectl(...may, ...what)).rejects.toThrow();
  }
});
