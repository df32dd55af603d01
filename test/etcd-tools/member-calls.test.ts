import { expect, test } from 'vitest';
import { MemberCalls, type MemberWire } from '../../etcd-tools/member-calls.ts';
import { CallError } from '../../etcd-tools/member-error.ts';

const header = {
  cluster_id: '1',
  member_id: '18446744073709551615',
  revision: '7',
  raft_term: '2',
};
const times = { sentAtMs: 1, receivedAtMs: 2 };
const STATUS = {
  header,
  version: '3.6.14',
  dbSize: '0',
  leader: '0',
  raftIndex: '0',
  raftTerm: '2',
  raftAppliedIndex: '0',
  errors: [],
  dbSizeInUse: '0',
  isLearner: false,
  storageVersion: '',
  dbSizeQuota: '0',
  downgradeInfo: null,
};

/** A member of whom only what a test changes differs from one that answers everything. */
function clientOf(changes: Partial<MemberWire>, user = true): MemberCalls {
  const wire: MemberWire = {
    status: async () => ({ answer: STATUS, times }),
    range: async () => ({ answer: { header, count: '3' }, times }),
    memberList: async () => ({ answer: { header, members: [] }, times }),
    hashKeys: async () => Promise.reject(new Error('not in these tests')),
    authenticate: async () => 'token',
    async *snapshot() {},
    close: () => undefined,
    ...changes,
  };
  return new MemberCalls('http://a:1', wire, user ? { name: 'u', password: 'p' } : undefined);
}

test('ids of 64 bits keep their last digits', async () => {
  expect((await clientOf({}).status()).header.memberId).toBe(2n ** 64n - 1n);
});

test('a field that the release does not have is not taken for a value', async () => {
  expect(await clientOf({}).status()).not.toHaveProperty('downgrade');
});

test('without a user nobody is asked for a token', async () => {
  const authenticate = async () => Promise.reject(new Error('asked'));
  const client = clientOf({ authenticate, status: async (token) => ok(token) }, false);
  expect((await client.status()).version).toBe('undefined');
});

function ok(token: string | undefined) {
  return { answer: { ...STATUS, version: String(token) }, times };
}

test('where auth is off, a user does no harm', async () => {
  const client = clientOf({
    authenticate: async () => refuse(9, 'etcdserver: authentication is not enabled'),
    status: async (token) => ok(token),
  });
  expect((await client.status()).version).toBe('undefined');
});

test.each([
  [4, 'Deadline exceeded', 'deadline'],
  [14, 'etcdserver: request timed out', 'no-leader'],
  [14, 'etcdserver: rpc not supported for learner', 'learner'],
])(
  'where no token can be had (%i %s), Status is asked for without',
  async (grpc, details, code) => {
    const client = clientOf({
      authenticate: async () => refuse(grpc, details),
      status: async (token) => ok(token),
    });
    expect((await client.status()).version).toBe('undefined');
    await expect(client.linearizableRead()).rejects.toMatchObject({ code, call: 'Authenticate' });
  },
);

test('a wrong password is not hidden by asking without a token', async () => {
  const client = clientOf({
    authenticate: async () =>
      refuse(3, 'etcdserver: authentication failed, invalid user ID or password'),
  });
  await expect(client.status()).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('a refused read is an answer, with the revision of a Status after it', async () => {
  const order: string[] = [];
  const client = clientOf({
    range: async () => {
      order.push('range');
      return refuse(7, 'etcdserver: permission denied');
    },
    status: async () => {
      order.push('status');
      return { answer: STATUS, times };
    },
  });
  expect(await client.linearizableRead()).toMatchObject({ revision: 7n, permissionDenied: true });
  expect(order).toEqual(['range', 'status']);
});

test('a member that refuses its fresh token gets one call and no second token', async () => {
  let tokens = 0;
  let calls = 0;
  const client = clientOf({
    authenticate: async () => {
      tokens += 1;
      return `token-${tokens}`;
    },
    status: async () => {
      calls += 1;
      return refuse(16, 'etcdserver: invalid auth token');
    },
  });
  await expect(client.status()).rejects.toMatchObject({ code: 'unauthenticated' });
  expect([tokens, calls]).toEqual([1, 1]);
});

test('a mistake of ours is not dressed up as one of the member', async () => {
  const client = clientOf({ status: async () => Promise.reject(new TypeError('ours')) });
  await expect(client.status()).rejects.toThrow(TypeError);
});

test('a snapshot that breaks off says so instead of ending', async () => {
  const client = clientOf({
    async *snapshot() {
      yield { remaining_bytes: '10', blob: Buffer.from('a'), version: '' };
      throw new CallError(14, 'Connection dropped');
    },
  });
  const parts = client.snapshot(new AbortController().signal);
  expect((await parts.next()).value).toMatchObject({ remainingBytes: 10n });
  await expect(parts.next()).rejects.toMatchObject({ code: 'unreachable', call: 'Snapshot' });
});

function refuse(grpcCode: number, details: string): never {
  throw new CallError(grpcCode, details);
}
