// metav1.Status as kube-apiserver words it. Clients decide by reason and code, people read the
// message, and client-go parses a few of them, so the words are part of the protocol
// (apimachinery pkg/api/errors/errors.go).
import type { JsonObject } from './objects.ts';

/** What a message names a resource by. */
export interface ResourceName {
  readonly group: string;
  readonly plural: string;
}

interface StatusErrorOptions extends ErrorOptions {
  readonly code: number;
  /** Left out of the body when empty. */
  readonly reason: string;
  readonly details?: JsonObject;
  /** Sent as Retry-After and as details.retryAfterSeconds. */
  readonly retryAfterSeconds?: number;
  /** metadata of the Status; only expired continue tokens have one. */
  readonly metadata?: JsonObject;
}

/** A request that ends with a metav1.Status. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly retryAfterSeconds: number | undefined;
  readonly #details: JsonObject | undefined;
  readonly #metadata: JsonObject;

  constructor(message: string, options: StatusErrorOptions) {
    super(message, options);
    this.name = 'StatusError';
    this.code = options.code;
    this.reason = options.reason;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.#details = options.details;
    this.#metadata = options.metadata ?? {};
  }

  /** The body of the answer, and the object of an ERROR event in a watch. */
  body(): JsonObject {
    const details =
      this.retryAfterSeconds === undefined
        ? this.#details
        : { ...this.#details, retryAfterSeconds: this.retryAfterSeconds };
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.#metadata,
      status: 'Failure',
      message: this.message,
      ...(this.reason ? { reason: this.reason } : {}),
      ...(details ? { details } : {}),
      code: this.code,
    };
  }
}

function resourceDetails({ group, plural }: ResourceName, name?: string): JsonObject {
  return {
    ...(name ? { name } : {}),
    ...(group ? { group } : {}),
    kind: plural,
  };
}

/** `pods`, `leases.coordination.k8s.io`, as GroupResource.String() prints it. */
function qualified({ group, plural }: ResourceName): string {
  return group ? `${plural}.${group}` : plural;
}

export function notFound(resource: ResourceName, name: string): StatusError {
  return new StatusError(`${qualified(resource)} "${name}" not found`, {
    code: 404,
    reason: 'NotFound',
    details: resourceDetails(resource, name),
  });
}

/** A path under a served group that names no resource. */
export function unknownResource(): StatusError {
  return new StatusError('the server could not find the requested resource', {
    code: 404,
    reason: 'NotFound',
    details: {},
  });
}

export function alreadyExists(resource: ResourceName, name: string): StatusError {
  return new StatusError(`${qualified(resource)} "${name}" already exists`, {
    code: 409,
    reason: 'AlreadyExists',
    details: resourceDetails(resource, name),
  });
}

export function conflict(resource: ResourceName, name: string): StatusError {
  return new StatusError(
    `Operation cannot be fulfilled on ${qualified(resource)} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
    { code: 409, reason: 'Conflict', details: resourceDetails(resource, name) },
  );
}

export function badRequest(message: string, cause?: unknown): StatusError {
  return new StatusError(message, { code: 400, reason: 'BadRequest', cause });
}

export function methodNotAllowed(): StatusError {
  return new StatusError('the server does not allow this method on the requested resource', {
    code: 405,
    reason: 'MethodNotAllowed',
    details: {},
  });
}

export function notAcceptable(accepted: readonly string[]): StatusError {
  return new StatusError(
    `406: Not Acceptable\n\nAvailable representations: ${accepted.join(', ')}`,
    { code: 406, reason: 'NotAcceptable', details: {} },
  );
}

/** An error of Go that nobody gave a code: 500, and no reason. */
export function bareError(message: string): StatusError {
  return new StatusError(message, { code: 500, reason: '' });
}

/** A media type that the route itself refuses, before any body is looked at. */
export function unsupportedRoute(): StatusError {
  return new StatusError('415: Unsupported Media Type', {
    code: 415,
    reason: 'UnsupportedMediaType',
    details: {},
  });
}

/** 422 without a word about what is wrong: a JSON patch that does not apply. */
export function unappliablePatch(cause?: unknown): StatusError {
  return new StatusError('the server rejected our request due to an error in our request', {
    code: 422,
    reason: 'Invalid',
    details: {},
    cause,
  });
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  return new StatusError(
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
    { code: 415, reason: 'UnsupportedMediaType' },
  );
}

export function tooLarge(limitBytes: number): StatusError {
  return new StatusError(`Request entity too large: limit is ${limitBytes}`, {
    code: 413,
    reason: 'RequestEntityTooLarge',
  });
}

export function unauthorized(): StatusError {
  return new StatusError('Unauthorized', { code: 401, reason: 'Unauthorized' });
}

/** One field that is wrong, as field.Error prints it. */
export interface FieldProblem {
  readonly reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueForbidden'
    | 'FieldValueNotSupported';
  readonly message: string;
  readonly field: string;
}

/** 422 for an object, or for ListOptions when a watch or list asks for something impossible. */
export function invalid(
  kind: { readonly kind: string; readonly group: string },
  name: string,
  problems: readonly FieldProblem[],
): StatusError {
  const words = problems.map(({ field, message }) => `${field}: ${message}`);
  const list = words.length === 1 ? words.join('') : `[${words.join(', ')}]`;
  const qualifiedKind = kind.group ? `${kind.kind}.${kind.group}` : kind.kind;
  return new StatusError(`${qualifiedKind} "${name}" is invalid: ${list}`, {
    code: 422,
    reason: 'Invalid',
    details: {
      ...(name ? { name } : {}),
      ...(kind.group ? { group: kind.group } : {}),
      kind: kind.kind,
      causes: problems.map(({ reason, message, field }) => ({ reason, message, field })),
    },
  });
}

/** 410: the history no longer reaches back to what was asked. */
export function expired(message: string, metadata?: JsonObject): StatusError {
  return new StatusError(message, {
    code: 410,
    reason: 'Expired',
    ...(metadata ? { metadata } : {}),
  });
}

/** 504 of a replica that has not yet seen the revision; client-go tells it by the cause. */
export function tooLargeResourceVersion(wanted: number, current: number): StatusError {
  return new StatusError(`Timeout: Too large resource version: ${wanted}, current: ${current}`, {
    code: 504,
    reason: 'Timeout',
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    },
    retryAfterSeconds: 1,
  });
}

/** 403 in the words of k8s.io/apiserver pkg/endpoints/handlers/responsewriters/errors.go. */
export function forbidden(
  message: string,
  subject?: { readonly resource: ResourceName; readonly name?: string },
): StatusError {
  if (!subject) {
    return new StatusError(`forbidden: ${message}`, {
      code: 403,
      reason: 'Forbidden',
      details: {},
    });
  }
  const { resource, name } = subject;
  const what = name ? `${qualified(resource)} "${name}"` : qualified(resource);
  return new StatusError(`${what} is forbidden: ${message}`, {
    code: 403,
    reason: 'Forbidden',
    details: resourceDetails(resource, name),
  });
}
