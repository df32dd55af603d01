// Every way in which a member fails to answer: what it is called, what it means, and what to do.
// One table, because the same word is in the exit message, the JSON output and the metric.
import type { MemberErrorCode } from './member-report.ts';

/** The remote calls, by their names in etcd's API. */
export type MemberCall = 'Authenticate' | 'HashKV' | 'MemberList' | 'Range' | 'Snapshot' | 'Status';

/** How gRPC says that a call failed. */
export interface CallFailure {
  /** One of `GRPC_CODE`, or a rarer one. */
  readonly grpcCode: number;
  readonly details: string;
}

/** What the wire rejects with. */
export class CallError extends Error implements CallFailure {
  readonly grpcCode: number;
  readonly details: string;

  constructor(grpcCode: number, details: string, cause?: unknown) {
    super(`gRPC code ${grpcCode}: ${details}`, { cause });
    this.name = 'CallError';
    this.grpcCode = grpcCode;
    this.details = details;
  }
}

interface Rule {
  readonly code: MemberErrorCode;
  /** Any when left out. */
  readonly grpcCode?: number;
  /** Any text when left out. */
  readonly match?: RegExp;
  /** The member's own words when left out. */
  readonly what?: string;
  readonly advice: string;
}

/** Of google.golang.org/grpc/codes. */
export const GRPC_CODE = {
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

// Up to 3.5 the maintenance calls let errors of etcd's server/auth/store.go through as they are,
// with the code UNKNOWN, so that the text is what counts.
const PERMISSION_DENIED = /(etcdserver|auth): permission denied/;
const TOKEN_REFUSED =
  /invalid auth token|revision of auth store is old|auth: revision in header is old/;

/**
 * The first rule that fits counts. Texts that begin with `etcdserver` or `auth` are of etcd's
 * api/v3rpc/rpctypes/error.go; the others are of OpenSSL and Node, as grpc-js hands them on.
 */
const RULES: readonly Rule[] = [
  {
    code: 'certificate',
    match: /alert certificate required/,
    what: 'the member wants a client certificate',
    advice: 'Give --cert and --key.',
  },
  {
    code: 'certificate',
    match: /alert certificate expired/,
    what: 'the member says that our client certificate has expired',
    advice: 'Renew the one of --cert.',
  },
  {
    code: 'certificate',
    match: /alert unknown ca/,
    what: 'the member does not know who signed our client certificate',
    advice: "Give a --cert that is signed by the member's --trusted-ca-file.",
  },
  {
    code: 'certificate',
    match: /alert (bad|unsupported) certificate|alert certificate (unknown|revoked)/,
    what: 'the member refuses our client certificate',
    advice: 'It must be good for client authentication; etcd logs the reason of the refusal.',
  },
  {
    code: 'certificate',
    match: /certificate has expired/,
    what: "the member's certificate has expired",
    advice: 'Renew it on the member, or set the clock of this machine.',
  },
  {
    code: 'certificate',
    match: /certificate is not yet valid/,
    what: "the member's certificate is not valid yet",
    advice: 'Set the clock of this machine or of the one that made the certificate.',
  },
  {
    code: 'certificate',
    match: /unable to (verify|get)|self.signed certificate/,
    what: "the member's certificate is not of an authority that we trust",
    advice: "Give the authority of the member's certificate as --cacert.",
  },
  {
    code: 'certificate',
    match: /does not match certificate's altnames|ERR_TLS_CERT_ALTNAME/,
    what: "the member's certificate is of another name than the URL's",
    advice: 'Use a URL with a name that the certificate has, or name one of them by --server-name.',
  },
  {
    code: 'unreachable',
    match: /before secure TLS connection was established|wrong version number/,
    what: 'the member ended the connection before TLS was set up',
    advice: 'If it serves without TLS, its URL begins with http://.',
  },
  {
    code: 'unreachable',
    match: /Failed to connect/,
    what: 'the member ended the connection at once',
    advice: 'If it serves TLS, its URL begins with https://.',
  },
  {
    code: 'unreachable',
    match: /ECONNREFUSED/,
    what: 'nobody listens there',
    advice: 'Is the member running, and is this a URL of its --listen-client-urls?',
  },
  {
    code: 'unreachable',
    match: /Name resolution failed/,
    what: 'there is no such host name',
    advice: 'Check the URL, and that this machine resolves it.',
  },
  {
    code: 'learner',
    match: /rpc not supported for learner/,
    what: 'the member is a learner, which serves no such call',
    advice: 'Promote it, or ask a voting member.',
  },
  {
    code: 'no-leader',
    match: /etcdserver: (no leader|leader changed|request timed out|not leader)/,
    advice:
      'The member does not reach a majority of the cluster: look at the others, then try again.',
  },
  {
    code: 'unauthenticated',
    match: /user name is empty/,
    what: 'auth is on, and no user was given',
    advice: 'Give --user with --password-file, or a client certificate that names a user.',
  },
  {
    code: 'unauthenticated',
    match: /user name not found/,
    what: 'there is no user of the name in our client certificate',
    advice: 'Add a user who is called as its common name, or give --user with --password-file.',
  },
  {
    code: 'unauthenticated',
    match: /invalid user ID or password/,
    what: 'the user name or the password is wrong',
    advice: 'Check --user and --password-file.',
  },
  {
    code: 'unauthenticated',
    match: TOKEN_REFUSED,
    what: 'the member does not accept its own token',
    advice: 'Members that were restarted or whose clocks differ do so for a moment: try again.',
  },
  {
    code: 'unauthenticated',
    grpcCode: GRPC_CODE.unauthenticated,
    advice: 'Check --user and --password-file.',
  },
  {
    code: 'permission-denied',
    match: PERMISSION_DENIED,
    advice: 'Use a user with the role root.',
  },
  {
    code: 'compacted',
    match: /required revision has been compacted/,
    advice: 'Ask at a newer revision.',
  },
  {
    code: 'future-revision',
    match: /required revision is a future revision/,
    advice: 'The member has not come as far as the revision that it was asked for.',
  },
  {
    code: 'unsupported',
    grpcCode: GRPC_CODE.unimplemented,
    what: 'the server has no such call',
    advice: 'Is this the client URL of an etcd member, and not of a proxy before it?',
  },
  {
    code: 'deadline',
    grpcCode: GRPC_CODE.deadlineExceeded,
    what: 'no answer in time',
    advice: 'The member hangs, is overloaded or is cut off; --timeout allows more time.',
  },
  {
    code: 'other',
    match: /database space exceeded/,
    advice: 'The member is over its quota: compact, defragment, then disarm the alarm.',
  },
  {
    code: 'other',
    match: /too many requests/,
    advice: 'The member applies more slowly than it is written to: take load away.',
  },
  {
    code: 'other',
    match: /corrupt cluster/,
    advice: 'The CORRUPT alarm is raised: do not write, and find the member that differs.',
  },
  {
    code: 'unreachable',
    grpcCode: GRPC_CODE.unavailable,
    advice: 'Check that this machine reaches the member.',
  },
];

const FALLBACK: Rule = { code: 'other', advice: "The member's log may say more." };

/**
 * Which calls need root depends on the patch release (authorization in etcd's
 * server/etcdserver/api/v3rpc/maintenance.go of each), so an upgrade may lock a checker out.
 */
const PERMISSION_ADVICE: Readonly<Partial<Record<MemberCall, string>>> = {
  Status:
    '3.4.42 to 3.4.45, 3.5.28 to 3.5.31 and 3.6.0 to 3.6.11 give it to root alone; other releases ' +
    'to every user, or to everybody.',
  HashKV: 'It needs a user with the role root, in every release.',
  Snapshot: 'It needs a user with the role root, in every release.',
  MemberList: '3.5.28 and 3.6.9 give it to root alone; later ones to every user.',
  Range: 'Grant the user a role that may read the key, or use one with the role root.',
};

function ruleFor({ grpcCode, details }: CallFailure): Rule {
  const fits = (rule: Rule): boolean =>
    (rule.grpcCode === undefined || rule.grpcCode === grpcCode) &&
    (rule.match === undefined || rule.match.test(details));
  return RULES.find(fits) ?? FALLBACK;
}

/** A member gave no answer, or one that says no. The message is one line: member, what, advice. */
export class MemberError extends Error {
  readonly code: MemberErrorCode;
  readonly endpoint: string;
  readonly call: MemberCall;
  /** What went wrong, without the advice. */
  readonly what: string;
  readonly advice: string;

  constructor(at: { endpoint: string; call: MemberCall }, failure: CallFailure) {
    const rule = ruleFor(failure);
    const what = rule.what ?? firstLine(failure.details);
    const permission = rule.code === 'permission-denied' ? PERMISSION_ADVICE[at.call] : undefined;
    const advice = permission ?? rule.advice;
    super(`${at.endpoint}: ${at.call}: ${what}. ${advice}`, { cause: failure.details });
    this.name = 'MemberError';
    this.code = rule.code;
    this.endpoint = at.endpoint;
    this.call = at.call;
    this.what = what;
    this.advice = advice;
  }
}

/** The call was refused for its token, and would not be for a new one. */
export function tokenRefused({ details }: CallFailure): boolean {
  return TOKEN_REFUSED.test(details);
}

/** The user may not do what was asked. */
export function permissionDenied({ details }: CallFailure): boolean {
  return PERMISSION_DENIED.test(details);
}

/** The server knows of no users, so that calls need no token. */
export function authNotEnabled({ details }: CallFailure): boolean {
  return /authentication is not enabled/.test(details);
}

/** The connection itself is suspect, and the next call is better off with a new one. */
export function connectionLost({ grpcCode }: CallFailure): boolean {
  return grpcCode === GRPC_CODE.deadlineExceeded || grpcCode === GRPC_CODE.unavailable;
}

function firstLine(details: string): string {
  const line = details.split('\n', 1)[0]?.trim() ?? '';
  return line.replace(/\.$/, '') || 'the call failed without a word';
}
