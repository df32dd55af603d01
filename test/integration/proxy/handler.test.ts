import { constants } from 'node:http2';
import { afterEach, expect, test } from 'vitest';
import { type DoorFixture, fetchAnswer, openTestDoor } from '../../support/open-door.ts';
import { answer, answerAfterBody, type Behaviour } from '../../support/scripted-apiserver.ts';

const SHUTDOWN_429 = { 'retry-after': '5', 'content-type': 'text/plain' };
let fixture: DoorFixture | undefined;

afterEach(async () => {
  await fixture?.close();
  fixture = undefined;
});

async function open(
  count: number,
  config: Record<string, object> = {},
  upstream: object = {},
): Promise<DoorFixture> {
  fixture = await openTestDoor(count, config, upstream);
  return fixture;
}

/** All apiservers but the last one called do `first`; that one answers as a healthy one would. */
function failOnce({ apiservers }: DoorFixture, first: Behaviour): () => number {
  let failures = 0;
  for (const apiserver of apiservers) {
    apiserver.behaviour = (stream, headers) => {
      failures += 1;
      if (failures === 1) first(stream, headers);
      else answerAfterBody(stream, 200, 'from the second');
    };
  }
  return () => failures;
}

const POST = { ':method': 'POST', ':path': '/api/v1/namespaces/a/pods' };
const GET = { ':method': 'GET', ':path': '/api/v1/namespaces/a/pods/p' };

test('requests spread evenly over all endpoints', async () => {
  const door = await open(3);
  const client = door.client();
  for (let i = 0; i < 60; i++) await fetchAnswer(client, GET);
  expect(door.apiservers.map(({ seen }) => seen.length)).toEqual([20, 20, 20]);
});

test('a write to an endpoint that refuses connections reaches another one, with its body', async () => {
  const door = await open(2);
  await door.apiservers[0]?.kill();
  const client = door.client();
  for (let i = 0; i < 4; i++) {
    const { status } = await fetchAnswer(client, POST, `body ${i}`);
    expect(status).toBe(200);
  }
  expect(door.apiservers[1]?.seen.map(({ body }) => body)).toEqual([
    'body 0',
    'body 1',
    'body 2',
    'body 3',
  ]);
});

test('a write that an endpoint answers with its shutdown 429 is sent to another one', async () => {
  const door = await open(2);
  failOnce(door, (stream) => answerAfterBody(stream, 429, 'shutting down', SHUTDOWN_429));
  const { status, body } = await fetchAnswer(door.client(), POST, 'the body');
  expect([status, body]).toEqual([200, 'from the second']);
});

test('a 429 of priority and fairness is passed on as it is', async () => {
  const door = await open(2);
  const calls = failOnce(door, (stream) =>
    answerAfterBody(stream, 429, 'too many', {
      'retry-after': '1',
      'x-kubernetes-pf-flowschema-uid': '1',
    }),
  );
  const { status, headers } = await fetchAnswer(door.client(), POST, 'b');
  expect([status, headers['retry-after'], calls()]).toEqual([429, '1', 1]);
});

test('a write whose stream an endpoint refuses is sent to another one', async () => {
  const door = await open(2);
  failOnce(door, (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM));
  const { status } = await fetchAnswer(door.client(), POST, 'b');
  expect(status).toBe(200);
});

test('a write that is lost after it was sent is not repeated, and says that nobody knows', async () => {
  const door = await open(2);
  const calls = failOnce(door, (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  const { status, headers, body } = await fetchAnswer(door.client(), POST, 'b');
  expect(status).toBe(504);
  // With Retry-After client-go would repeat it, and perhaps create a second object.
  expect(headers['retry-after']).toBeUndefined();
  expect(JSON.parse(body)).toMatchObject({ kind: 'Status', reason: 'Timeout', code: 504 });
  expect(calls()).toBe(1);
});

test('a read that is lost is repeated at another endpoint', async () => {
  const door = await open(2);
  failOnce(door, (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  const { status, body } = await fetchAnswer(door.client(), GET);
  expect([status, body]).toEqual([200, 'from the second']);
});

test('with no endpoint ready the answer is a Status that client-go repeats', async () => {
  const door = await open(1);
  await door.apiservers[0]?.kill();
  const { status, headers, body } = await fetchAnswer(door.client(), POST, 'b');
  expect([status, headers['retry-after']]).toEqual([503, '1']);
  expect(JSON.parse(body)).toMatchObject({ kind: 'Status', reason: 'ServiceUnavailable' });
});

test('requests under way when an endpoint goes away in good order are all answered', async () => {
  const door = await open(2);
  for (const apiserver of door.apiservers) {
    apiserver.behaviour = (stream) => {
      setTimeout(() => answer(stream, 200, 'late'), 50);
    };
  }
  const client = door.client();
  const answers = Array.from({ length: 40 }, () => fetchAnswer(client, GET));
  setTimeout(() => door.apiservers[0]?.goaway(), 10);
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(40).fill(200));
});

test('a request that met a GOAWAY is sent again, to the same endpoint when there is no other', async () => {
  // An apiserver sends one after each anonymous request: seen with 503 in answer to a burst of them.
  const door = await open(1);
  const apiserver = door.apiservers[0];
  if (apiserver === undefined) throw new Error('no apiserver');
  apiserver.behaviour = (stream) => {
    answer(stream, 200, 'ok');
    stream.session?.goaway(0, stream.id);
  };
  const client = door.client();
  for (let round = 0; round < 5; round++) {
    const burst = Array.from({ length: 8 }, () => fetchAnswer(client, POST, 'b'));
    expect((await Promise.all(burst)).map(({ status }) => status)).toEqual(Array(8).fill(200));
  }
});

test('a watch whose endpoint dies ends with END_STREAM, which client-go does not relist on', async () => {
  const door = await open(1);
  const apiserver = door.apiservers[0];
  if (apiserver === undefined) throw new Error('no apiserver');
  apiserver.behaviour = (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/json' });
    stream.write('{"type":"ADDED"}\n');
    setTimeout(() => void apiserver.kill(), 20);
  };
  const watch = await fetchAnswer(door.client(), { ':path': '/api/v1/pods?watch=1' });
  expect(watch).toMatchObject({ status: 200, body: '{"type":"ADDED"}\n', resetCode: 0 });
});

test('a watch without an event is not ended in its first second', async () => {
  const door = await open(1);
  const apiserver = door.apiservers[0];
  if (apiserver === undefined) throw new Error('no apiserver');
  apiserver.behaviour = (stream) => {
    stream.respond({ ':status': 200 });
    setTimeout(() => void apiserver.kill(), 20);
  };
  const beganAtMs = performance.now();
  const watch = await fetchAnswer(door.client(), { ':path': '/api/v1/pods?watch=1' });
  expect(watch).toMatchObject({ status: 200, resetCode: 0 });
  expect(performance.now() - beganAtMs).toBeGreaterThan(950);
});

test('an answer that is cut off is seen as cut off', async () => {
  const door = await open(1);
  const apiserver = door.apiservers[0];
  if (apiserver === undefined) throw new Error('no apiserver');
  apiserver.behaviour = (stream) => {
    stream.respond({ ':status': 200 });
    stream.write('half of it');
    setTimeout(() => void apiserver.kill(), 20);
  };
  const { resetCode } = await fetchAnswer(door.client(), GET);
  expect(resetCode).toBe(constants.NGHTTP2_INTERNAL_ERROR);
});

test('an answer that overtakes its upload reaches the client, and the upload stops', async () => {
  const door = await open(1);
  const apiserver = door.apiservers[0];
  if (apiserver === undefined) throw new Error('no apiserver');
  apiserver.behaviour = (stream) => answer(stream, 413, 'too large');
  const stream = door.client().request(POST);
  stream.write('the beginning of a long body');
  let body = '';
  stream.setEncoding('utf8').on('data', (chunk) => {
    body += chunk;
  });
  await new Promise((resolve) => stream.once('close', resolve));
  expect([body, stream.rstCode]).toEqual(['too large', constants.NGHTTP2_NO_ERROR]);
});

test('a client that goes away takes its upstream stream with it', async () => {
  const door = await open(1);
  const apiserver = door.apiservers[0];
  if (apiserver === undefined) throw new Error('no apiserver');
  const closed = new Promise<number>((resolve) => {
    apiserver.behaviour = (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('x');
      stream.once('close', () => resolve(stream.rstCode ?? 0));
    };
  });
  const stream = door.client().request({ ':path': '/api/v1/pods?watch=1' });
  stream.on('error', () => {});
  await new Promise((resolve) => stream.once('data', resolve));
  stream.close(constants.NGHTTP2_CANCEL);
  expect(await closed).toBe(constants.NGHTTP2_CANCEL);
});

test('a client that does not read stops the endpoint from sending, and holds up nobody else', async () => {
  const door = await open(1);
  const apiserver = door.apiservers[0];
  if (apiserver === undefined) throw new Error('no apiserver');
  let written = 0;
  apiserver.behaviour = (stream, headers) => {
    if (headers[':path'] !== '/big') {
      answer(stream, 200, 'small');
      return;
    }
    stream.respond({ ':status': 200 });
    const chunk = Buffer.alloc(16_384);
    const write = (): void => {
      while (written < 64 * 1024 * 1024) {
        written += chunk.length;
        if (!stream.write(chunk)) {
          stream.once('drain', write);
          return;
        }
      }
      stream.end();
    };
    write();
  };
  const client = door.client();
  const stalled = client.request({ ':path': '/big' });
  stalled.on('error', () => {});
  await new Promise((resolve) => stalled.once('response', resolve));
  // Node's client reads nothing until asked, so its window is all that it takes.
  for (let i = 0; i < 50; i++) expect((await fetchAnswer(client, GET)).body).toBe('small');
  expect(written).toBeLessThan(2 * 1024 * 1024);
  stalled.close();
});

test('an endpoint that does not answer in time is given up, and the client is told', async () => {
  const door = await open(1, { retry: { maxAttempts: 1 } }, { headerTimeout: '300ms' });
  for (const apiserver of door.apiservers) apiserver.behaviour = () => {};
  const client = door.client();
  const [read, write] = await Promise.all([
    fetchAnswer(client, GET),
    fetchAnswer(client, POST, 'b'),
  ]);
  expect([read.status, read.headers['retry-after']]).toEqual([504, '1']);
  expect([write.status, write.headers['retry-after']]).toEqual([504, undefined]);
});

test('a header list over the limit is answered with 431 and harms no other request', async () => {
  const door = await open(1, { limits: { header: '8KiB' } });
  const client = door.client();
  const [large, small] = await Promise.all([
    fetchAnswer(client, { ...GET, 'x-large': 'x'.repeat(9000) }),
    fetchAnswer(client, GET),
  ]);
  expect([large.status, small.status]).toEqual([431, 200]);
});

test('the end of the door ends watches with END_STREAM and lets requests finish', async () => {
  const door = await open(1);
  const apiserver = door.apiservers[0];
  if (apiserver === undefined) throw new Error('no apiserver');
  apiserver.behaviour = (stream, headers) => {
    if (headers[':path']?.includes('watch')) {
      stream.respond({ ':status': 200 });
      stream.write('event');
    } else {
      setTimeout(() => answer(stream, 200, 'late'), 200);
    }
  };
  const client = door.client();
  const watch = fetchAnswer(client, { ':path': '/api/v1/pods?watch=1' });
  const request = fetchAnswer(client, GET);
  await expect.poll(() => door.door.openExchanges()).toBe(2);
  await door.door.drain();
  expect(await watch).toMatchObject({ status: 200, resetCode: 0 });
  expect(await request).toMatchObject({ status: 200, body: 'late' });
});
