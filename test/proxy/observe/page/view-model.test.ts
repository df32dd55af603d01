import { expect, test } from 'vitest';
import { PROXY_ERROR_CODES } from '../../../../proxy/errors.ts';
import { REMEMBERED } from '../../../../proxy/observe/freshness.ts';
import { pageView } from '../../../../proxy/observe/page/view-model.ts';
import { FAILURE_WORDS, outAdvice } from '../../../../proxy/observe/page/words.ts';
import {
  endpointFigures,
  failureOf,
  figuresOf,
  inputOf,
  listOf,
  NO_TOP,
  NOW_MS,
  pageEndpoint,
} from './support.ts';

const QUIET = figuresOf([endpointFigures('cp-1', 30), endpointFigures('cp-2', 30)]);
const TWO = [pageEndpoint('cp-1'), pageEndpoint('cp-2')];
const AT = new Date(NOW_MS - 4000);

function problemsOf(...input: Parameters<typeof inputOf>) {
  return pageView(inputOf(...input)).verdict;
}

test('when nothing is wrong the page says so, and how many serve', () => {
  const view = pageView(inputOf(TWO, [QUIET]));
  expect(view.verdict).toEqual({
    level: 'ok',
    headline: 'Nothing is wrong: 2 of 2 kube-apiservers serve.',
    problems: [],
  });
  expect(view.title).toBe('evenkeel');
  expect(view.clock).toBe('03:04:05');
});

test('an endpoint that is out is named with its reason and with what to do', () => {
  const what = 'not ready: connect ECONNREFUSED 192.0.2.1:6443';
  const out = pageEndpoint('cp-2', { state: 'not_ready', lastChange: { what, at: AT } });
  const view = pageView(inputOf([pageEndpoint('cp-1'), out], [QUIET]));
  expect(view.title).toBe('(1) evenkeel');
  expect(view.verdict).toMatchObject({ level: 'warn' });
  expect(view.verdict.problems).toEqual([
    {
      severity: 'warn',
      what: 'cp-2 is out: connect ECONNREFUSED 192.0.2.1:6443',
      advice: outAdvice('connect ECONNREFUSED'),
    },
  ]);
  expect(view.replicas[1]).toMatchObject({
    state: 'not ready',
    stateDetail: 'connect ECONNREFUSED 192.0.2.1:6443 since 03:04:01',
    freshness: '–',
  });
});

test('with no endpoint left clients are failed, which is worse', () => {
  const out = TWO.map((endpoint) => ({ ...endpoint, state: 'not_ready' as const }));
  expect(problemsOf(out, [QUIET])).toMatchObject({
    level: 'bad',
    headline: 'Clients are failed now; 0 of 2 kube-apiservers serve.',
  });
});

test('a failure of the last minute is a problem, one of a client or of before is only listed', () => {
  const now = figuresOf([], { failures: [failureOf({ count: 3 })] });
  expect(problemsOf(TWO, [now])).toMatchObject({ level: 'bad' });
  expect(problemsOf(TWO, [now]).problems[0]?.what).toBe(
    '3 writes of which nobody knows whether they happened (cp-1), in the last minute',
  );
  for (const failure of [
    failureOf({ failure: 'unauthorized' }),
    failureOf({ atMs: NOW_MS - 61_000 }),
  ]) {
    const view = pageView(inputOf(TWO, [figuresOf([], { failures: [failure] })]));
    expect(view.verdict.level).toBe('ok');
    expect(view.failures).toHaveLength(1);
  }
});

test('a slow replica is found by the objective, and by how quick the others are', () => {
  const slow = figuresOf([endpointFigures('cp-1', 50), endpointFigures('cp-2', 50, 2.5)]);
  expect(problemsOf(TWO, [slow]).problems.map(({ what }) => what)).toEqual([
    '99 of 100 requests at cp-2 end within 2.5 s; the objective is 1 s.',
  ]);
  const slower = figuresOf([endpointFigures('cp-1', 50), endpointFigures('cp-2', 50, 0.25)]);
  expect(problemsOf(TWO, [slower]).problems[0]?.what).toMatch(/cp-2 .* much later than elsewhere/);
  // Too few to say anything.
  const few = figuresOf([endpointFigures('cp-1', 50), endpointFigures('cp-2', 3, 2.5)]);
  expect(problemsOf(TWO, [few]).level).toBe('ok');
});

test('a replica whose watches bring old news is late', () => {
  const late = endpointFigures('cp-2', 30, 0.001, { behind: REMEMBERED });
  const view = pageView(inputOf(TWO, [figuresOf([endpointFigures('cp-1', 30), late])]));
  expect(view.verdict.problems[0]?.what).toMatch(/^cp-2 is 64 changes or more behind/);
  expect(view.replicas.map(({ late }) => late)).toEqual([false, true]);
});

test('a busy event loop is told of after ten seconds of it', () => {
  const busy = { ...QUIET, busy: 0.97 };
  expect(problemsOf(TWO, new Array(5).fill(busy)).level).toBe('ok');
  expect(problemsOf(TWO, new Array(12).fill(busy)).problems[0]?.what).toMatch(/at work 97 %/);
});

test('notes alone do not make anything wrong', () => {
  const replica = (version: string) => ({
    endpoint: '',
    result: 'ok' as const,
    problem: '',
    misfiled: [{ verb: 'GET' as const, metric: 'apiserver_request_total', watches: 2 }],
    version,
    startedAtSeconds: NOW_MS / 1000 - 7200,
    restarts: 3,
  });
  const endpoints = ['v1.33.1', 'v1.34.4'].map((version, i) =>
    pageEndpoint(`cp-${i + 1}`, { replica: replica(version) }),
  );
  const view = pageView(inputOf(endpoints, [QUIET]));
  expect(view.verdict.level).toBe('ok');
  expect(view.verdict.problems.map(({ severity }) => severity)).toEqual(['note', 'note', 'note']);
  expect(view.replicas[0]).toMatchObject({
    version: 'v1.33.1',
    restarts: '3',
    restartsDetail: 'up for 2 h',
  });
});

test('the time line has what became of watches and endpoints, the newest first', () => {
  const moves = [
    { reason: 'lost', from: 'cp-2', to: 'cp-1', count: 29 },
    { reason: 'lost', from: 'cp-2', to: 'cp-3', count: 28 },
  ];
  const changes = [{ endpoint: 'cp-2', what: 'not ready: connection refused', at: AT }];
  const { watches } = pageView(
    inputOf(TWO, [figuresOf([], { moves, longestGapSeconds: 0.05 })], { changes }),
  );
  expect(watches.entries).toEqual([
    {
      clock: '03:04:05',
      tone: 'good',
      text: '57 watches of cp-2 went on: 29 at cp-1, 28 at cp-3',
      detail: 'connection lost; longest silence under 50 ms',
    },
    { clock: '03:04:01', tone: 'bad', text: 'cp-2: not ready: connection refused', detail: '' },
  ]);
  expect(watches.bars.moved.at(-1)).toBe(57);
});

test('LISTs that go on come first, and of those that one client repeats the longest', () => {
  const figures = figuresOf([], {
    lists: [listOf({ durationMs: 900 }), listOf({ durationMs: 4000 }), listOf({ group: 'apps' })],
    openLists: [listOf({ durationMs: 1500, status: 0 })],
  });
  const { lists } = pageView(inputOf(TWO, [figures]));
  expect(lists.map(({ duration, status }) => `${duration} ${status}`)).toEqual([
    '1.5 s goes on',
    '4 s 200',
    '2 s 200',
  ]);
});

test('who asks for most is ranked, each beside the first', () => {
  const top = {
    ...NO_TOP,
    clientsByRequests: [
      {
        names: ['system:node:a', 'kubelet/v1.34', '192.0.2.1'],
        perSecond: 40,
        errorPerSecond: 0,
      },
      { names: ['', '', '192.0.2.2'], perSecond: 10, errorPerSecond: 0 },
    ],
  };
  const { clients } = pageView(inputOf(TWO, [QUIET], { top }));
  expect(clients[0]?.rows).toEqual([
    { name: 'system:node:a', detail: 'kubelet/v1.34 192.0.2.1', value: '40 /s', part: 1 },
    { name: '(not known)', detail: '(no user agent) 192.0.2.2', value: '10 /s', part: 0.25 },
  ]);
});

test('every way to fail has words and an advice', () => {
  for (const code of PROXY_ERROR_CODES) {
    const { what, advice } = FAILURE_WORDS[code];
    expect([code, what.length > 5, /[.?]$/.test(advice)]).toEqual([code, true, true]);
  }
});

test.each([
  ['/readyz answered 401', /front proxy/],
  ['/readyz answered 500', /names the check/],
  ['connect ECONNREFUSED 192.0.2.1:6443', /running on that host/],
  ['self-signed certificate in certificate chain', /upstream\.ca/],
  ['no answer in time', /host or the network/],
  ['something new', /log/],
])('an endpoint that is out for "%s" has an advice of its own', (reason, advice) => {
  expect(outAdvice(reason)).toMatch(advice);
});
