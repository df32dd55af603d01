import { expect, test } from 'vitest';
import { describeExpected, findWrong } from '../../../prove/patches/published.ts';

const EXPECTED = {
  headless: true,
  addresses: [
    { ip: '198.18.0.2', ready: true },
    { ip: '198.18.0.1', ready: false },
  ],
};

function published(slice: string, endpoints: string) {
  return {
    slices: new Map([['service', slice]]),
    endpoints: new Map([['service', endpoints]]),
    resourceVersions: new Map<string, string>(),
  };
}

test('a service is wrong unless both kinds of objects say what is expected', () => {
  const right = 'headless 198.18.0.1:8443 (not ready) 198.18.0.2:8443';
  expect(describeExpected(EXPECTED)).toBe(right);
  const expected = new Map([['service', EXPECTED]]);
  expect(findWrong(published(right, right), expected)).toEqual([]);
  expect(findWrong(published(right, right.replace(':8443', ':443')), expected)).toEqual([
    'service',
  ]);
  expect(
    findWrong(published(right.replace('headless', 'with ClusterIP'), right), expected),
  ).toEqual(['service']);
});

test('a service that publishes nothing at all is wrong', () => {
  const nothing = {
    slices: new Map<string, string>(),
    endpoints: new Map<string, string>(),
    resourceVersions: new Map<string, string>(),
  };
  expect(findWrong(nothing, new Map([['service', EXPECTED]]))).toEqual(['service']);
});
