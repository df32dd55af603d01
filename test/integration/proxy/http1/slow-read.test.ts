// Clients that ask and take nothing of the answer.
import { expect, test } from 'vitest';
import { until } from './support/arrivals.ts';
import { useFrontDoor } from './support/fixture.ts';

const { open } = useFrontDoor();
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

test('a response of which nothing is taken is cut off, and its sender is told', async () => {
  const { to, client } = await open({ stalledResponseMs: 100 });
  client.write(GET);
  const request = await to.requests.next();
  client.socket.pause();
  request.stream.sendHeaders([':status', '200'], false);
  // More than the kernel takes on both sides.
  for (let i = 0; i < 32; i++) request.stream.sendData(Buffer.alloc(1024 * 1024), false);
  await until('the sender is told', () => request.reset !== undefined);
  expect(request.reset).toMatchObject({ code: 8, detail: 'nothing was taken for 0.1 s' });
  await until('the connection is gone', () => to.front.connections === 0);
});

test('a watch without news has all the time there is', async () => {
  const { to, client } = await open({ stalledResponseMs: 20 });
  client.write(GET);
  const request = await to.requests.next();
  request.stream.sendHeaders([':status', '200'], false);
  for (const event of ['one', 'two', 'three']) {
    request.stream.sendData(Buffer.from(event), false);
    await client.expectText(new RegExp(event));
    const deadline = performance.now() + 60;
    await until('three limits are over', () => performance.now() > deadline);
  }
  expect(request.reset).toBeUndefined();
});
