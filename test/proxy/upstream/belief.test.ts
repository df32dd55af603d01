import { expect, test } from 'vitest';
import { disbelief } from '../../../proxy/upstream/belief.ts';
import type { ProbeOutcome } from '../../../proxy/upstream/probe.ts';

const USER = 'system:evenkeel';

function review(username: string, status = 201): ProbeOutcome {
  return { kind: 'answered', status, body: JSON.stringify({ status: { userInfo: { username } } }) };
}

test('an endpoint that takes the door for whom it says it is believes', () => {
  expect(disbelief(review(USER), USER)).toBeUndefined();
  expect(disbelief(review(USER, 200), USER)).toBeUndefined();
});

test('an endpoint that takes the door for the user of its certificate must not be used', () => {
  // A front-proxy certificate that the client CA has signed too: everybody would be this user.
  const problem = disbelief(review('kube-apiserver-kubelet-client'), USER);
  expect(problem).toContain('"kube-apiserver-kubelet-client"');
  expect(problem).toContain('--requestheader-client-ca-file');
});

test('an endpoint that refuses the certificate must not be used', () => {
  const refused: ProbeOutcome = { kind: 'answered', status: 401, body: '' };
  expect(disbelief(refused, USER)).toContain('front-proxy certificate');
});

test('an endpoint that cannot tell is used: it is too old, or does not let the door ask', () => {
  for (const status of [403, 404, 405]) {
    expect(disbelief({ kind: 'answered', status, body: '{}' }, USER)).toBeUndefined();
  }
  expect(disbelief({ kind: 'answered', status: 201, body: 'not JSON' }, USER)).toBeUndefined();
});

test('a question that is not answered is a failed check', () => {
  expect(disbelief({ kind: 'failed', detail: 'reset' }, USER)).toBe('reset');
});
