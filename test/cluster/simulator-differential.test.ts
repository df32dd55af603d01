// The simulator against a real kube-apiserver: the same requests, and every difference either
// absent or written down here with its reason. An entry that no longer applies fails as well.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test as plainTest } from 'vitest';
import { type Simulator, startSimulator } from '../../simulator/cluster.ts';
import { missingBinaries } from '../../tools/binaries.ts';
import { type ControlPlane, startControlPlane } from '../../tools/control-plane.ts';
import type { Credential } from '../../tools/pki.ts';
import { type Answer, type Credentials, connectTo, send } from '../integration/simulator/client.ts';
import { type Difference, differences } from './body-shape.ts';
import { STEPS, type Step } from './simulator-requests.ts';

interface KnownDifference {
  /** Matches the name of the step. */
  readonly step: RegExp;
  /** Matches the place in the answer. */
  readonly at: RegExp;
  readonly reason: string;
}

const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    step: /^GET \/apis \(/,
    at: /^\.groups/,
    reason: 'the simulator serves four groups, kube-apiserver about twenty',
  },
  {
    step: /^POST .*configmaps \(admin\) "\{"kind":"$/,
    at: /^\.message$/,
    reason: 'the words of a JSON syntax error are those of the parser, Go or V8',
  },
  {
    step: /continue=broken/,
    at: /^\.message$/,
    reason: 'the words of a JSON syntax error are those of the parser, Go or V8',
  },
  {
    step: /labelSelector=a%20b/,
    at: /^\.message$/,
    reason: 'the lexer of label selectors is not imitated, only what it accepts',
  },
];

const missing = missingBinaries(['etcd', 'kube-apiserver']);
const note = missing.length > 0 ? ` (not run: no ${missing.join(', ')} in .tools/bin)` : '';

let directory: string;
let controlPlane: ControlPlane;
let simulator: Simulator;
let stranger: Credential;

beforeAll(async () => {
  if (missing.length > 0) return;
  directory = await mkdtemp(join(tmpdir(), 'simulator-differential-'));
  controlPlane = await startControlPlane({
    directory: join(directory, 'control-plane'),
    replicas: 1,
  });
  // One PKI for both sides, so that even the credential ids of certificates must be equal.
  const { pki } = controlPlane;
  simulator = await startSimulator({ replicas: 1, pki });
  stranger = await pki.issueClient({ commonName: 'admin' }, { signedBy: 'other', fileName: 'x' });
});

afterAll(async () => {
  await simulator?.stop();
  await controlPlane?.stop();
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
});

function nameOf({ method = 'GET', path, as = 'admin', body }: Step): string {
  const shown = typeof body === 'string' ? ` "${body.slice(0, 20)}"` : '';
  return `${method} ${path} (${as})${shown}`;
}

function credentialsOf({ as = 'admin' }: Step): Credentials {
  switch (as) {
    case 'admin':
      return controlPlane.pki.admin;
    case 'front proxy':
      return controlPlane.pki.frontProxy;
    case 'stranger':
      return stranger;
    default:
      return 'none';
  }
}

function bearerOf({ as }: Step): Record<string, string> {
  if (as === 'alice') return { authorization: 'Bearer token-alice' };
  return as === 'wrong token' ? { authorization: 'Bearer wrong' } : {};
}

/** Sends all steps to one server, each on a connection of its own. */
async function answersOf(url: string): Promise<Answer[]> {
  const kept = new Map<string, string>();
  const filled = (text: string) =>
    text.replaceAll(/\{(continue|resourceVersion|uid)\}/g, (_, name) => kept.get(name) ?? '');
  const answers: Answer[] = [];
  for (const step of STEPS) {
    const session = await connectTo(url, controlPlane.pki, credentialsOf(step));
    const answer = await send(session, {
      method: step.method ?? 'GET',
      path: filled(step.path),
      headers: { ...bearerOf(step), ...step.headers },
      ...(step.body === undefined ? {} : { body: filled(bodyText(step.body)) }),
    });
    session.destroy();
    if (step.keep) kept.set(step.keep, String(answer.body?.metadata?.[step.keep] ?? ''));
    answers.push(answer);
  }
  return answers;
}

function bodyText(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

plainTest.skipIf(missing.length > 0)(
  `${STEPS.length} requests are answered alike but for the known differences${note}`,
  async () => {
    const real = await answersOf(controlPlane.replicas[0]?.url ?? '');
    const simulated = await answersOf(simulator.replicas[0]?.url ?? '');
    const used = new Set<KnownDifference>();
    const unknown: Record<string, Difference[]> = {};
    STEPS.forEach((step, index) => {
      const [left, right] = [real[index], simulated[index]];
      if (!left || !right) throw new Error(`no answer to ${nameOf(step)}`);
      const name = nameOf(step);
      const found = differences(left, right).filter(({ at }) => {
        const known = KNOWN_DIFFERENCES.find((entry) => entry.step.test(name) && entry.at.test(at));
        if (known) used.add(known);
        return !known;
      });
      if (found.length > 0) unknown[name] = found;
    });
    expect(STEPS.length).toBeGreaterThan(60);
    expect(unknown).toEqual({});
    expect(KNOWN_DIFFERENCES.filter((entry) => !used.has(entry))).toEqual([]);
  },
);
