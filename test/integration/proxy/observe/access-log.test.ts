// The lesson of kube-apiserver's httplog: a handler that has been given up goes on changing the
// request and the response that the log line is made of, which there ended the process
// (kubernetes/kubernetes#105759). Here endpoints go on answering while the door gives them up.
import type { ClientHttp2Session } from 'node:http2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLog } from '../../../../common/log.ts';
import {
  type Answer,
  type DoorFixture,
  fetchAnswer,
  openTestDoor,
} from '../../../support/open-door.ts';
import { answer } from '../../../support/scripted-apiserver.ts';

type Line = Readonly<Record<string, unknown>>;

const lines: Line[] = [];
let fixture: DoorFixture;
let client: ClientHttp2Session;

beforeAll(async () => {
  const stream = { write: (text: string): unknown => lines.push(JSON.parse(text)) };
  const log = createLog({ level: 'debug', stream });
  fixture = await openTestDoor(2, {}, { headerTimeout: '500ms' }, log);
  client = fixture.client(fixture.pki.admin);
});

afterAll(() => fixture.close());

function linesOf(userAgent: string): Line[] {
  return lines.filter((line) => line.userAgent === userAgent);
}

/** Waits for the request's line; the client may have its answer before. */
async function lineOf(userAgent: string): Promise<Line> {
  for (;;) {
    const [line] = linesOf(userAgent);
    if (line !== undefined) return line;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('an endpoint that goes on after it was given up changes nothing in the line', async () => {
  // Ten lines a second of one failure, and no more, are written.
  const COUNT = 12;
  const stopped = new AbortController();
  for (const apiserver of fixture.apiservers) {
    apiserver.behaviour = (stream, headers) => {
      // About when the door looks for what is late, which it does once a second.
      const afterMs = Number(headers['x-answer-after']);
      setTimeout(() => {
        // It may have been given up just now: then all of this goes nowhere, and must not.
        if (stream.destroyed) return;
        stream.respond({
          ':status': 200,
          'audit-id': `answer-${afterMs}`,
          'user-agent': 'changed',
        });
        const timer = setInterval(() => stream.write('more'), 1);
        const end = (): void => {
          clearInterval(timer);
          if (!stream.destroyed) stream.end();
        };
        stream.once('close', end);
        setTimeout(end, 30);
        stopped.signal.addEventListener('abort', end);
      }, afterMs);
    };
  }
  const answers = await Promise.all(
    Array.from({ length: COUNT }, (_, i) =>
      fetchAnswer(client, {
        ':path': `/api/v1/namespaces/a/pods/p-${i}`,
        'user-agent': `agent-${i}`,
        'audit-id': `asked-${i}`,
        'x-answer-after': String(200 + i * 170),
      }),
    ),
  );
  for (const [i, { status }] of answers.entries()) {
    const line = await lineOf(`agent-${i}`);
    expect(line).toMatchObject({ verb: 'GET', resource: 'pods', name: `p-${i}`, status });
    if (status === 504) {
      expect(line).toMatchObject({ failure: 'upstream_timeout', auditId: `asked-${i}` });
    } else {
      expect(line.auditId).toMatch(/^answer-/);
    }
  }
  // Both happened, and each request is told exactly once, however long its endpoint went on.
  const statuses = new Set(answers.map(({ status }: Answer) => status));
  expect([...statuses].sort()).toEqual([200, 504]);
  expect(answers.map((_, i) => linesOf(`agent-${i}`).length)).toEqual(answers.map(() => 1));
  stopped.abort();
});

test('the audit ID passes through in both directions, and stands in the line', async () => {
  for (const apiserver of fixture.apiservers) {
    apiserver.behaviour = (stream, headers) =>
      answer(stream, 200, 'ok', { 'audit-id': `${headers['audit-id']}` });
  }
  const { headers } = await fetchAnswer(client, {
    ':path': '/api/v1/pods',
    'audit-id': 'by-the-client',
    'user-agent': 'auditor',
  });
  expect(headers['audit-id']).toBe('by-the-client');
  expect(await lineOf('auditor')).toMatchObject({ auditId: 'by-the-client', level: 'debug' });
});

test('neither a token nor a body nor a query is in any line', async () => {
  for (const apiserver of fixture.apiservers) {
    apiserver.behaviour = (stream) => answer(stream, 200, 'secret-answer');
  }
  await fetchAnswer(
    client,
    {
      ':method': 'POST',
      ':path': '/api/v1/namespaces/a/secrets?secret-query=1',
      authorization: 'Bearer secret-token',
      'user-agent': 'poster',
    },
    'secret-body',
  );
  await lineOf('poster');
  expect(JSON.stringify(lines)).not.toMatch(/secret-(query|token|body|answer)/);
});
