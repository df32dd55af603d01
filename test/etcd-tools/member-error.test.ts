import { expect, test } from 'vitest';
import { type MemberCall, MemberError } from '../../etcd-tools/member-error.ts';

function errorOf(grpcCode: number, details: string, call: MemberCall = 'Status'): MemberError {
  return new MemberError({ endpoint: 'https://a:2379', call }, { grpcCode, details });
}

// What grpc-js 1.14 on Node 26 says, as captured from real members; etcd's own are of rpctypes.
test.each([
  [
    14,
    'No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. ',
    'unreachable',
  ],
  [14, 'Name resolution failed for target dns:no-such-host.invalid:2379', 'unreachable'],
  [
    14,
    'No connection established. Last error: Failed to connect (2026-11-25T12:33:10.158Z). ',
    'unreachable',
  ],
  [
    14,
    'Client network socket disconnected before secure TLS connection was established',
    'unreachable',
  ],
  [14, 'Connection dropped', 'unreachable'],
  [
    14,
    'error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:',
    'certificate',
  ],
  [
    14,
    'error:0A000415:SSL routines:ssl3_read_bytes:ssl/tls alert certificate expired:',
    'certificate',
  ],
  [14, 'error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:', 'certificate'],
  [14, 'error:0A000412:SSL routines:ssl3_read_bytes:ssl/tls alert bad certificate:', 'certificate'],
  [14, 'Error: unable to verify the first certificate; if the root CA is', 'certificate'],
  [14, 'Error: self-signed certificate in certificate chain', 'certificate'],
  [14, 'Error: certificate has expired', 'certificate'],
  [
    14,
    "Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames",
    'certificate',
  ],
  [4, 'Deadline exceeded after 2.0s', 'deadline'],
  [14, 'etcdserver: no leader', 'no-leader'],
  [14, 'etcdserver: leader changed', 'no-leader'],
  [14, 'etcdserver: request timed out, possibly due to previous leader failure', 'no-leader'],
  [14, 'etcdserver: rpc not supported for learner', 'learner'],
  [3, 'etcdserver: user name is empty', 'unauthenticated'],
  [3, 'etcdserver: authentication failed, invalid user ID or password', 'unauthenticated'],
  [2, 'etcdserver: user name not found', 'unauthenticated'],
  [16, 'etcdserver: invalid auth token', 'unauthenticated'],
  [3, 'etcdserver: revision of auth store is old', 'unauthenticated'],
  [7, 'etcdserver: permission denied', 'permission-denied'],
  [2, 'auth: permission denied', 'permission-denied'],
  [2, 'auth: revision in header is old', 'unauthenticated'],
  [11, 'etcdserver: mvcc: required revision has been compacted', 'compacted'],
  [11, 'etcdserver: mvcc: required revision is a future revision', 'future-revision'],
  [12, 'unknown service etcdserverpb.Maintenance', 'unsupported'],
  [8, 'etcdserver: too many requests', 'other'],
  [15, 'etcdserver: corrupt cluster', 'other'],
  [2, 'whatever', 'other'],
])('%i "%s" is %s', (grpcCode, details, code) => {
  const error = errorOf(grpcCode, details);
  expect(error.code).toBe(code);
  // One line that names the member and the call, and then says what to do.
  expect(error.message).toMatch(/^https:\/\/a:2379: Status: [^\n]+\. [A-Z0-9][^\n]+[.?]$/);
});

test("the member's own words are kept, without their full stop or further lines", () => {
  expect(errorOf(2, 'one.\ntwo').what).toBe('one');
  expect(errorOf(2, '').what).toBe('the call failed without a word');
});

test('a refusal says which releases want root for the call', () => {
  expect(errorOf(7, 'etcdserver: permission denied').advice).toContain('3.5.28 to 3.5.31');
  expect(errorOf(7, 'etcdserver: permission denied', 'HashKV').advice).toContain('role root');
});

test('what OpenSSL says is told in words, and kept as the cause', () => {
  const details = 'error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:';
  const error = errorOf(14, details);
  expect(error.message).not.toContain('SSL routines');
  expect(error.cause).toBe(details);
});
