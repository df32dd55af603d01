import { expect, test } from 'vitest';
import { createLog, type LogLevel } from '../../../common/log.ts';
import { PROXY_ERROR_CODES } from '../../../proxy/errors.ts';
import { AccessLog } from '../../../proxy/observe/access-log.ts';
import { observeAll } from '../../../proxy/observe/observe-all.ts';
import type { RequestRecord } from '../../../proxy/observe/request-record.ts';
import { recordOf } from './support/records.ts';

const POD = 'GET /api/v1/namespaces/default/pods/p1';
const WATCH = 'GET /api/v1/pods?watch=true';

function start(
  options: { level?: LogLevel; maxLinesPerSecond?: number; sampleEvery?: number } = {},
) {
  const { level = 'info', ...rest } = options;
  const lines: Record<string, unknown>[] = [];
  const stream = { write: (text: string): unknown => lines.push(JSON.parse(text)) };
  const accessLog = new AccessLog({ log: createLog({ level, stream }), ...rest });
  return {
    lines,
    accessLog,
    leave(record: RequestRecord, leftAtMs = 1012): void {
      accessLog.left(record, leftAtMs);
    },
  };
}

test('a request that the door failed is one line at warn with what is needed to look further', () => {
  const { leave, lines } = start();
  leave(
    recordOf('PUT /apis/apps/v1/namespaces/shop/deployments/web/scale?fieldManager=x', {
      status: 504,
      failure: 'outcome_unknown',
      failureDetail: 'cp-2: connection reset',
      endpoint: 'cp-2',
      attempts: 2,
      requestBytes: 17,
    }),
    1012.34,
  );
  expect(lines).toEqual([
    {
      level: 'warn',
      time: expect.any(String),
      failure: 'outcome_unknown',
      detail: 'cp-2: connection reset',
      verb: 'PUT',
      group: 'apps',
      resource: 'deployments',
      subresource: 'scale',
      namespace: 'shop',
      name: 'web',
      status: 504,
      endpoint: 'cp-2',
      attempts: 2,
      durationMs: 12.3,
      answeredAfterMs: 1,
      requestBytes: 17,
      responseBytes: 0,
      client: '192.0.2.7',
      protocol: 'h2',
      identity: 'bearer',
      userAgent: 'kubectl/v1.34.4',
      msg: 'request failed',
    },
  ]);
});

test('a bug is written at error, with its stack', () => {
  const { leave, lines } = start({ level: 'error' });
  const { stack = '' } = new TypeError('x is not a function');
  leave(recordOf(POD, { status: 500, failure: 'internal', failureDetail: stack }));
  expect(lines).toMatchObject([{ level: 'error', failure: 'internal', detail: stack }]);
});

test('what endpoints answered, and what clients ended, is not a failure of the door', () => {
  const { leave, lines } = start();
  leave(recordOf(POD));
  leave(recordOf(POD, { status: 500 }));
  leave(recordOf(POD, { status: 0, failure: 'client_gone' }));
  leave(recordOf(WATCH, { failure: 'client_gone' }));
  leave(recordOf(WATCH, { failure: 'shutting_down' }));
  expect(lines).toEqual([]);
});

test('at debug every request is one line', () => {
  const { leave, lines } = start({ level: 'debug' });
  leave(recordOf(POD));
  leave(recordOf(POD, { status: 0, failure: 'client_gone' }));
  leave(recordOf(POD, { status: 503, failure: 'no_ready_endpoint' }));
  expect(lines.map(({ level, status, failure }) => [level, status, failure])).toEqual([
    ['debug', 200, undefined],
    ['debug', 0, 'client_gone'],
    ['warn', 503, 'no_ready_endpoint'],
  ]);
});

test('of the requests that did not fail a sample is written, of the others every one', () => {
  const { leave, lines } = start({ level: 'debug', sampleEvery: 4 });
  for (let i = 0; i < 9; i += 1) leave(recordOf(POD, { requestBytes: i }));
  leave(recordOf(POD, { status: 0, failure: 'client_gone' }));
  leave(recordOf(POD, { status: 503, failure: 'no_ready_endpoint' }));
  expect(lines.map(({ requestBytes, failure }) => failure ?? requestBytes)).toEqual([
    0,
    4,
    8,
    'client_gone',
    'no_ready_endpoint',
  ]);
});

test.each([
  ['7b0f1a1c-7a3f-4d54-9c3e-0a4e5a4d7b11', true],
  ['Bearer hunter2', false],
  ['x'.repeat(65), false],
  ['', false],
])('the audit ID %j is in the line: %s', (auditId, shown) => {
  const { leave, lines } = start({ level: 'debug' });
  leave(recordOf(POD, { auditId }));
  expect(lines[0]?.auditId).toBe(shown ? auditId : undefined);
});

test.each([
  'GET /api/v1/pods?watch=true&token=hunter2',
  'GET /version?access_token=hunter2',
  'GET /version%3Faccess_token=hunter2',
  'GET /api/v1/namespaces/a/services/b/proxy/login/hunter2',
  'GET /api/v1/namespaces/a/services/b/proxy/login?password=hunter2',
  'GET /api/v1/nodes/n/proxy/run/hunter2',
  'GET /api/v1/proxy/namespaces/a/services/b/hunter2',
  'POST /api/v1/namespaces/a/pods/b/exec?command=login&command=hunter2',
])('a line holds neither the query nor the path of an application: %s', (request) => {
  const { leave, lines } = start({ level: 'debug' });
  leave(recordOf(request));
  leave(recordOf(request, { status: 503, failure: 'upstream_unreachable' }));
  expect(lines.length).toBe(2);
  expect(JSON.stringify(lines)).not.toContain('hunter2');
});

test('no path, name or user agent can make a line long', () => {
  const { leave, lines } = start({ level: 'debug' });
  const long = 'x'.repeat(60_000);
  leave(recordOf(`GET /${long}`, { userAgent: long }));
  leave(recordOf(`GET /apis/${long}/v1/namespaces/${long}/${long}/${long}/${long}`));
  leave(recordOf(POD, { status: 502, failure: 'upstream_lost', failureDetail: long }));
  for (const line of lines) expect(JSON.stringify(line).length).toBeLessThan(6000);
  expect(lines.length).toBe(3);
});

test('a storm of one failure is cut to so many lines a second, and told in numbers', () => {
  const { leave, lines } = start({ maxLinesPerSecond: 3 });
  const storm = recordOf(POD, { status: 401, failure: 'unauthorized' });
  const rare = recordOf(POD, { status: 502, failure: 'upstream_lost' });
  for (let i = 0; i < 100; i += 1) leave(storm, 5000 + i);
  leave(rare, 5500);
  leave(recordOf(POD), 6000);
  leave(storm, 6001);
  expect(lines.map(({ msg, failure, suppressed }) => [msg, failure, suppressed])).toEqual([
    ['request failed', 'unauthorized', undefined],
    ['request failed', 'unauthorized', undefined],
    ['request failed', 'unauthorized', undefined],
    ['request failed', 'upstream_lost', undefined],
    ['more requests failed', 'unauthorized', 97],
    ['request failed', 'unauthorized', undefined],
  ]);
});

test('what was left out is told at the end at the latest', () => {
  const { accessLog, leave, lines } = start({ maxLinesPerSecond: 1 });
  for (const failure of PROXY_ERROR_CODES) {
    for (let i = 0; i < 3; i += 1) leave(recordOf(POD, { status: 500, failure }), 5000);
  }
  accessLog.close();
  accessLog.close();
  const told = lines.filter(({ msg }) => msg === 'more requests failed');
  // All but client_gone, which is no failure of the door.
  expect(told.length).toBe(PROXY_ERROR_CODES.length - 1);
  expect(told.every(({ suppressed }) => suppressed === 2)).toBe(true);
});

test('all observers are told of both ends of a request', () => {
  const told: string[] = [];
  const observers = ['a', 'b'].map((name) => ({
    entered: () => void told.push(`${name} entered`),
    left: (_record: RequestRecord, leftAtMs: number) => void told.push(`${name} left ${leftAtMs}`),
  }));
  const observer = observeAll(observers);
  const record = recordOf(POD);
  observer.entered(record);
  observer.left(record, 7);
  expect(told).toEqual(['a entered', 'b entered', 'a left 7', 'b left 7']);
});
