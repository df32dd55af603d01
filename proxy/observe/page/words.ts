// What the page says, in words: failures and what to do, why watches moved, why an endpoint is out.
import type { ProxyErrorCode } from '../../errors.ts';

export interface FailureWords {
  /** Whose it is to mend: a client's fault is no trouble of the control plane. */
  readonly whose: 'door' | 'apiserver' | 'client' | 'nobody';
  readonly what: string;
  readonly advice: string;
}

export const FAILURE_WORDS: Readonly<Record<ProxyErrorCode, FailureWords>> = {
  bad_request: {
    whose: 'client',
    what: 'requests that HTTP or Kubernetes cannot read',
    advice: 'Look at the client: the answer it got says what is wrong with its request.',
  },
  unauthorized: {
    whose: 'client',
    what: 'client certificates that prove nothing',
    advice:
      'One client: its certificate has expired or is of another CA. All clients: identity.clientCA ' +
      "is not the apiservers' client CA.",
  },
  method_not_allowed: {
    whose: 'client',
    what: 'methods that no apiserver has',
    advice: 'Something that is no Kubernetes client calls this address.',
  },
  upload_idle: {
    whose: 'client',
    what: 'clients that stopped sending their request',
    advice: 'Look at the client and the network before it; the limit is limits.idleUpload.',
  },
  header_too_large: {
    whose: 'client',
    what: 'requests with too large header fields',
    advice: 'Mostly a token with very many groups, or a user agent without bounds.',
  },
  too_many_requests: {
    whose: 'apiserver',
    what: 'requests turned away with 429',
    advice:
      'Every apiserver shuts down, or upstream.connectionsPerEndpoint is used up: see who asks for ' +
      'most below.',
  },
  client_gone: { whose: 'nobody', what: 'clients that left', advice: 'Nothing.' },
  internal: {
    whose: 'door',
    what: 'bugs of evenkeel',
    advice: 'The log has a line "request failed" with the stack. Please report it.',
  },
  upstream_lost: {
    whose: 'apiserver',
    what: 'requests whose apiserver went away',
    advice:
      'Clients repeat them. See whether the apiserver was restarted, and what its log and the ' +
      "kernel's (out of memory) say.",
  },
  upstream_protocol: {
    whose: 'apiserver',
    what: 'answers that are no HTTP',
    advice:
      'Check that this address is a kube-apiserver, and that nothing between rewrites HTTP/2.',
  },
  no_ready_endpoint: {
    whose: 'apiserver',
    what: 'requests answered 503: no kube-apiserver was ready',
    advice: 'Nobody is served. The reasons stand at the replicas below; /debug/endpoints has all.',
  },
  upstream_unreachable: {
    whose: 'apiserver',
    what: 'requests whose apiserver could not be connected to',
    advice: 'Clients repeat them. Is the process running, and the network to its host whole?',
  },
  shutting_down: {
    whose: 'nobody',
    what: 'requests that came while the front door drained',
    advice: 'Whatever brings clients here should look at /readyz.',
  },
  upstream_timeout: {
    whose: 'apiserver',
    what: 'requests not answered in time',
    advice:
      'Look at long LISTs below, at the p99 of the replica, and at etcd: slow disks show there ' +
      'first. The limit is upstream.headerTimeout.',
  },
  outcome_unknown: {
    whose: 'apiserver',
    what: 'writes of which nobody knows whether they happened',
    advice:
      'The apiserver died or was late with its answer. They are not repeated: read from the cluster ' +
      'whether the object is there.',
  },
};

const MOVE_WORDS: Readonly<Record<string, string>> = {
  lost: 'connection lost',
  ended_early: 'ended before their time',
  expired: 'history there too short',
  silent: 'replica silent',
  rebalance: 'to spread them evenly',
  leaving: 'replica leaving',
  removed: 'replica removed',
};

/** Why watches went on elsewhere. */
export function moveWords(reason: string): string {
  return MOVE_WORDS[reason] ?? reason;
}

const REFUSAL_WORDS: Readonly<Record<string, string>> = {
  expired: 'its history begins too late (410)',
  absent: 'it does not know the resource',
  denied: 'it was denied',
  failed: 'it failed',
};

/** Why a watch could not go on at an endpoint. */
export function refusalWords(result: string): string {
  return REFUSAL_WORDS[result] ?? result;
}

const OUT_ADVICE: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [
    /answered 40[13]/,
    'The apiserver does not believe the front proxy: another CA, a name that is not allowed, or an ' +
      'expired certificate. Its log says which.',
  ],
  [
    /certificate|altname|self.signed|CERT_|issuer/i,
    'Its serving certificate is not of upstream.ca, has expired, or has another name: see ' +
      'upstream.serverName.',
  ],
  [
    /answered [45]\d\d/,
    'It runs and says that it is not ready: `kubectl get --raw /readyz?verbose`, asked directly, ' +
      'names the check. Mostly etcd, or it has just been started.',
  ],
  [
    /refused|ECONNREFUSED|closed|reset|ended|GOAWAY/i,
    'Nothing serves there: is kube-apiserver running on that host, and what does its log say last?',
  ],
  [
    /time|silent|no answer|unreach/i,
    'It does not answer: the host or the network is away, or the process hangs (stopped, swapping, ' +
      'disk).',
  ],
];

/** What to do about an endpoint that is out for this reason. */
export function outAdvice(reason: string): string {
  const known = OUT_ADVICE.find(([pattern]) => pattern.test(reason));
  return known?.[1] ?? 'See what the apiserver itself says, in its log and at its /readyz?verbose.';
}
