// The load client and the backend, as the benchmarks start them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetchBody, MeasuredSubject, type SubjectSpec } from '../../../bench/subject.ts';
import { ChildGroup } from '../../../tools/child.ts';
import { JsonLines } from '../../../tools/json-lines.ts';
import { createPki } from '../../../tools/pki.ts';

const settings = { seconds: 0.2, rounds: 1, connections: 2, streams: 2 };
const children = new ChildGroup();
let directory: string;
let subject: SubjectSpec;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bench-test-'));
  const pki = await createPki(join(directory, 'pki'));
  const backend = children.start({
    name: 'backend',
    command: process.execPath,
    args: [
      fileURLToPath(new URL('../../../bench/backend.ts', import.meta.url)),
      `--cert=${pki.apiserver.certPath}`,
      `--key=${pki.apiserver.keyPath}`,
    ],
    logPath: join(directory, 'backend.log'),
    interactive: true,
  });
  const lines = new JsonLines(backend.name, backend.requireStdout());
  const { port } = await lines.next(({ event }) => event === 'listening');
  subject = {
    name: 'backend',
    urls: [`https://127.0.0.1:${port}`],
    path: '/any',
    caPath: pki.clusterCa.certPath,
    doorPid: backend.pid,
  };
});

afterAll(async () => {
  await children.stop();
  await rm(directory, { recursive: true, force: true });
});

function measured(bodyBytes: number): MeasuredSubject {
  return new MeasuredSubject(subject, settings, { children, directory, bodyBytes });
}

test('right answers are counted, with the processor time of the process asked about', async () => {
  const body = await fetchBody(subject);
  const backend = measured(body.length);
  await backend.measure(settings.seconds);
  const [sample] = backend.samples;
  expect(sample).toMatchObject({ errors: 0 });
  expect(sample?.requestsPerSecond).toBeGreaterThan(0);
  expect(sample?.p99Ms).toBeGreaterThanOrEqual(sample?.p50Ms ?? Number.NaN);
  expect(sample?.cpuMicrosPerRequest).toBeGreaterThanOrEqual(0);
});

test('answers of another length than the one that was checked are errors', async () => {
  const backend = measured(1);
  await backend.measure(settings.seconds);
  expect(backend.samples[0]?.requestsPerSecond).toBe(0);
  expect(backend.samples[0]?.errors).toBeGreaterThan(0);
});

test('an address that does not answer is named before anything is measured', async () => {
  const broken = { ...subject, urls: [...subject.urls, 'https://127.0.0.1:1'] };
  await expect(fetchBody(broken)).rejects.toThrow('127.0.0.1:1');
});

test('an address that answers otherwise is no subject', async () => {
  await expect(fetchBody({ ...subject, urls: [] })).rejects.toThrow('has no address');
});
