// Whether an endpoint believes the door's identity headers. One that takes the front-proxy
// certificate for a client's would serve everybody as the user of that certificate.
import type { ProbeOutcome } from './probe.ts';

export const SELF_REVIEW_PATH = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
export const SELF_REVIEW_BODY = JSON.stringify({
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'SelfSubjectReview',
});

/**
 * Reads the answer to a SelfSubjectReview that was sent as `user`.
 * @returns what is wrong; undefined when the endpoint believes, or cannot tell (before 1.28, or not
 *   allowed to ask)
 */
export function disbelief(outcome: ProbeOutcome, user: string): string | undefined {
  if (outcome.kind === 'failed') return outcome.detail;
  const { status, body } = outcome;
  const remedy =
    'frontProxy.certificate must be signed by its --requestheader-client-ca-file alone, with a ' +
    'name of --requestheader-allowed-names';
  if (status === 401) return `does not accept the front-proxy certificate; ${remedy}`;
  if (status !== 200 && status !== 201) return undefined;
  const seen = userIn(body);
  if (seen === undefined || seen === user) return undefined;
  return `takes every client for ${JSON.stringify(seen)}, the user of the front-proxy certificate; ${remedy}`;
}

function userIn(body: string): string | undefined {
  try {
    const review: unknown = JSON.parse(body);
    const { status } = review as { status?: { userInfo?: { username?: unknown } } };
    const name = status?.userInfo?.username;
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined;
  }
}
