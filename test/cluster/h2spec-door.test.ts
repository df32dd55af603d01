// h2spec against the door as clients meet it: over TLS, with a real kube-apiserver behind it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, vi } from 'vitest';
import { binaryPath } from '../../tools/binaries.ts';
import { reportFigure } from '../figures.ts';
import { useCluster } from './support/cluster.ts';
import { exchange } from './support/exchange.ts';

const { test, cluster } = useCluster({ binaries: ['h2spec'], replicas: 1 });

/**
 * What h2spec asks for: an answer that is larger than the window. With a short one the stream may be
 * over before the second WINDOW_UPDATE of case 6.9.1 comes, which is then rightly ignored
 * (RFC 9113, section 5.1).
 */
const PATH = '/openapi/v2';
/** How many cases h2spec 2.6.0 has in each section; with fewer, something was not run. */
const CASES = { generic: 44, http2: 95, hpack: 7 } as const;
// A case that waits for an answer gives up after so many seconds.
const CASE_LIMIT_SECONDS = 3;

interface Case {
  readonly name: string;
  readonly passed: boolean;
}

/** Runs one section and reads its report. The path has to be open to everybody. */
async function runSection(section: string): Promise<readonly Case[]> {
  const { door, directory } = cluster();
  const report = join(directory, 'log', `h2spec-${section}.xml`);
  const child = spawn(binaryPath('h2spec'), [
    section,
    '--tls',
    '--insecure',
    '--strict',
    '--host=127.0.0.1',
    `--port=${door.port}`,
    `--path=${PATH}`,
    `--timeout=${CASE_LIMIT_SECONDS}`,
    `--junit-report=${report}`,
  ]);
  await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return [...(await readFile(report, 'utf8')).matchAll(TEST_CASE)].map(
    ([, suite = '', name = '', end = '']) => ({
      name: `${suite}: ${name}`,
      passed: end === '/>' || !/<(failure|error|skipped)/.test(end),
    }),
  );
}

// As h2spec writes it: package and classname are attributes, failures are elements inside.
const TEST_CASE =
  /<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(\/>|>[\s\S]*?<\/testcase>)/g;

for (const [section, count] of Object.entries(CASES)) {
  test(`all ${count} cases of section ${section} pass, without an exception`, async () => {
    await openToEverybody(PATH);
    const cases = await runSection(section);
    expect(cases).toHaveLength(count);
    const failed = cases.filter(({ passed }) => !passed).map(({ name }) => name);
    reportFigure('exceptions', failed.length);
    expect(failed).toEqual([]);
  });
}

async function openToEverybody(path: string): Promise<void> {
  const { direct, pki } = cluster();
  const target = {
    url: direct.url,
    ca: pki.clusterCa.cert,
    identity: { certificate: pki.admin },
  };
  const group = 'rbac.authorization.k8s.io';
  const metadata = { name: 'open-to-everybody' };
  const make = async (resource: string, body: object): Promise<void> => {
    const { status } = await exchange('h2', target, {
      method: 'POST',
      path: `/apis/${group}/v1/${resource}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ metadata, ...body }),
    });
    // Each section opens the path, and the first one has made the object.
    expect([201, 409]).toContain(status);
  };
  await make('clusterroles', { rules: [{ nonResourceURLs: [path], verbs: ['get'] }] });
  await make('clusterrolebindings', {
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: metadata.name },
    subjects: [{ apiGroup: group, kind: 'User', name: 'system:anonymous' }],
  });
  // The authoriser learns of it by a watch.
  await vi.waitFor(async () => {
    const { status } = await exchange('h2', { ...target, identity: {} }, { path });
    expect(status).toBe(200);
  }, 10_000);
}
