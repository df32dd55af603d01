// kube-apiserver resets the stream of a request that Go's net/http cannot read. Taken for a failure
// of the endpoint, it was sent to the next one too, and five such requests had endpoints ejected.
import { constants } from 'node:http2';
import { afterEach, expect, test } from 'vitest';
import { type DoorFixture, fetchAnswer, openTestDoor } from '../../support/open-door.ts';
import { answer } from '../../support/scripted-apiserver.ts';

let fixture: DoorFixture | undefined;

afterEach(async () => {
  await fixture?.close();
  fixture = undefined;
});

test('a request that the endpoint refuses to read is answered with 400, once', async () => {
  fixture = await openTestDoor(2);
  for (const apiserver of fixture.apiservers) {
    apiserver.behaviour = (stream, headers) => {
      if (headers[':path'] === '/%zz') stream.close(constants.NGHTTP2_PROTOCOL_ERROR);
      else answer(stream, 200, 'read');
    };
  }
  const client = fixture.client();
  for (let i = 0; i < 20; i++) {
    const { status, headers, body } = await fetchAnswer(client, { ':path': '/%zz' });
    expect(status).toBe(400);
    expect(headers).not.toHaveProperty('retry-after');
    expect(JSON.parse(body)).toMatchObject({ reason: 'BadRequest', code: 400 });
  }
  const seen = (): number[] | undefined => fixture?.apiservers.map((each) => each.seen.length);
  expect(seen()).toEqual([10, 10]);
  for (let i = 0; i < 10; i++) await fetchAnswer(client, { ':path': '/version' });
  expect(seen()).toEqual([15, 15]);
});
