/** Reasons of apimachinery pkg/apis/meta/v1/types.go that the door gives. */
export type StatusReason =
  | 'BadRequest'
  | 'InternalError'
  | 'MethodNotAllowed'
  | 'ServiceUnavailable'
  | 'Timeout'
  | 'TooManyRequests'
  | 'Unauthorized';

export interface StatusFields {
  readonly code: number;
  readonly message: string;
  /** Left out where Kubernetes has no word for the code. */
  readonly reason?: StatusReason | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

export const STATUS_CONTENT_TYPE = 'application/json';

const HTML_CHARACTER = /[<>&\u2028\u2029]/g;

/**
 * A failure as metav1.Status JSON, byte for byte as the apiserver writes it: same order of keys, empty
 * ones left out, a line feed at the end. kubectl and client-go show `message` and decide by
 * `reason`; clients that speak protobuf or CBOR accept JSON errors too.
 */
export function statusBody(fields: StatusFields): Buffer {
  const { code, message, reason, retryAfterSeconds } = fields;
  const text = JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    details: retryAfterSeconds === undefined ? undefined : { retryAfterSeconds },
    code,
  });
  // encoding/json escapes these, so that JSON may stand inside HTML. A message can quote a path, and
  // some clients are browsers.
  const safe = text.replace(
    HTML_CHARACTER,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return Buffer.from(`${safe}\n`);
}
