import { expect, test } from 'vitest';
import {
  type Answered,
  findMissing,
  identifyMembers,
  parseEndpoints,
} from '../../etcd-tools/endpoints.ts';

function urls(text: string, secureByDefault = false): string[] {
  return parseEndpoints(text, secureByDefault).map(({ url }) => url);
}

test.each([
  ['127.0.0.1:2379', ['http://127.0.0.1:2379']],
  ['etcd-0.example.org', ['http://etcd-0.example.org:2379']],
  ['https://10.0.0.1', ['https://10.0.0.1:2379']],
  ['https://10.0.0.1:443/', ['https://10.0.0.1:443']],
  ['http://a:80, b:81', ['http://a:80', 'http://b:81']],
  ['HTTPS://A:2379,https://a:2379', ['https://a:2379']],
  ['[::1]:2379,https://[fe80::1]', ['http://[::1]:2379', 'https://[fe80::1]:2379']],
])('%s is read as %j', (text, expected) => {
  expect(urls(text)).toEqual(expected);
});

test('without a scheme an endpoint is TLS when there are certificates', () => {
  expect(urls('a:1,http://b:2', true)).toEqual(['https://a:1', 'http://b:2']);
});

test('an IPv6 address is dialled without its brackets', () => {
  expect(parseEndpoints('https://[::1]:23', false)).toEqual([
    { url: 'https://[::1]:23', host: '::1', port: 23, secure: true },
  ]);
});

test.each([
  ['', 'has an empty part'],
  ['a:1,,b:2', 'has an empty part'],
  ['a:notaport', '"a:notaport": is no URL'],
  ['a:70000', '"a:70000": is no URL'],
  ['unix:///run/etcd.sock', 'unix is not spoken here'],
  ['https://a:1/v3', 'has a path'],
  ['https://a:1?x=y', 'has a path'],
  [Array.from({ length: 101 }, (_, n) => `h${n}`).join(','), '101 are more than 100'],
])('%s is refused: %s', (text, message) => {
  expect(() => urls(text)).toThrow(message);
});

test('a password in a URL is refused and not repeated', () => {
  const attempt = (): unknown => urls('https://root:hunter2@a:1');
  expect(attempt).toThrow('"https://***@a:1": holds a user');
  expect(attempt).not.toThrow('hunter2');
});

function answered(text: string, memberId: bigint, clusterId = 0xcafen): Answered<string> {
  const [endpoint] = parseEndpoints(text, false);
  if (endpoint === undefined) throw new Error(text);
  return { endpoint, header: { memberId, clusterId }, of: text };
}

test('a member that answers at two URLs counts once, at the first', () => {
  const { members, duplicates } = identifyMembers([
    answered('a:1', 1n),
    answered('b:1', 2n),
    answered('a:2', 1n),
  ]);
  expect(members.map((member) => member.of)).toEqual(['a:1', 'b:1']);
  expect(duplicates.map((member) => member.of)).toEqual(['a:2']);
});

test('ids that differ below what a JavaScript number holds are two members', () => {
  const big = 2n ** 63n;
  expect(identifyMembers([answered('a:1', big), answered('b:1', big + 1n)]).members).toHaveLength(
    2,
  );
});

test('members of two clusters are not compared', () => {
  expect(() => identifyMembers([answered('a:1', 1n), answered('b:1', 2n, 0xbeefn)])).toThrow(
    '--endpoints: of 2 clusters: http://a:1 of cafe; http://b:1 of beef',
  );
});

test('listed members that nobody has dialled are found, with what can be dialled', () => {
  const member = { name: 'm', peerUrls: ['http://a:2380'], isLearner: false };
  const listed = [
    { ...member, id: 1n, clientUrls: ['http://a:2379'] },
    { ...member, id: 2n, clientUrls: ['https://b:2379', 'http://0.0.0.0:2379', 'unix://c'] },
    { ...member, id: 3n, clientUrls: [] },
  ];
  const missing = findMissing(listed, new Set([1n]));
  expect(
    missing.map(({ member, endpoints }) => [member.id, endpoints.map(({ url }) => url)]),
  ).toEqual([
    [2n, ['https://b:2379']],
    [3n, []],
  ]);
});
