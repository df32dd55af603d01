// metav1.ListOptions from a query, checked as kube-apiserver checks it
// (apimachinery pkg/apis/meta/internalversion/validation/validation.go).
import type { ResourceRequest } from './request-path.ts';
import { allOf, type Predicate, parseFieldSelector, parseLabelSelector } from './selectors.ts';
import { badRequest, bareError, type FieldProblem, invalid } from './status.ts';

/** What a list or watch asks for. */
export interface ListOptions {
  /** '' is "most recent", '0' is "any", else at least (or exactly) this revision. */
  readonly resourceVersion: string;
  readonly match: '' | 'Exact' | 'NotOlderThan';
  /** 0 is no limit. */
  readonly limit: number;
  readonly continueToken: string;
  readonly allowBookmarks: boolean;
  readonly sendInitialEvents: boolean;
  /** Undefined: the server chooses. */
  readonly timeoutSeconds: number | undefined;
  readonly predicate: Predicate | undefined;
  /** Keys of the wanted objects start with this. */
  readonly prefix: string;
  /** Whether any selector narrows the answer: then no remainingItemCount can be told. */
  readonly selective: boolean;
}

/** Parses and validates; throws a 400 or 422 Status. */
export function parseListOptions(request: ResourceRequest, query: URLSearchParams): ListOptions {
  const { resource, namespace, verb } = request;
  const match = query.get('resourceVersionMatch') ?? '';
  const options: ListOptions = {
    resourceVersion: query.get('resourceVersion') ?? '',
    match: match === 'Exact' || match === 'NotOlderThan' ? match : '',
    limit: wholeNumber(query, 'limit') ?? 0,
    continueToken: query.get('continue') ?? '',
    allowBookmarks: flag(query, 'allowWatchBookmarks') ?? false,
    sendInitialEvents: flag(query, 'sendInitialEvents') ?? false,
    timeoutSeconds: wholeNumber(query, 'timeoutSeconds'),
    predicate: allOf(
      parseLabelSelector(query.get('labelSelector')),
      parseFieldSelector(query.get('fieldSelector'), resource),
    ),
    prefix: namespace === undefined ? '' : `${namespace}/`,
    selective: Boolean(query.get('labelSelector') || query.get('fieldSelector')),
  };
  const problems =
    verb === 'watch'
      ? watchProblems(query, match)
      : listProblems(options, match, query.has('sendInitialEvents'));
  if (problems.length > 0) {
    throw invalid({ kind: 'ListOptions', group: 'meta.k8s.io' }, '', problems);
  }
  if (!/^[0-9]*$/.test(options.resourceVersion)) {
    const message = `resourceVersion: Invalid value: "${options.resourceVersion}": strconv.ParseUint: parsing "${options.resourceVersion}": invalid syntax`;
    // The watch cache's parser returns a bare error, and a bare error becomes a 500.
    throw verb === 'watch'
      ? bareError(message)
      : badRequest(`invalid resource version: ${message}`);
  }
  return options;
}

function watchProblems(query: URLSearchParams, match: string): FieldProblem[] {
  if (!query.has('sendInitialEvents')) {
    return match === ''
      ? []
      : [
          forbiddenMatch(
            'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
          ),
        ];
  }
  if (match !== 'NotOlderThan') {
    return [
      forbiddenMatch('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
    ];
  }
  return [];
}

function listProblems(
  { resourceVersion, continueToken }: ListOptions,
  match: string,
  initialEvents: boolean,
): FieldProblem[] {
  if (initialEvents) {
    return [
      {
        reason: 'FieldValueForbidden',
        message: 'Forbidden: sendInitialEvents is forbidden for list',
        field: 'sendInitialEvents',
      },
    ];
  }
  if (match === '') return [];
  if (resourceVersion === '') {
    return [forbiddenMatch('resourceVersionMatch is forbidden unless resourceVersion is provided')];
  }
  if (continueToken !== '') {
    return [forbiddenMatch('resourceVersionMatch is forbidden when continue is provided')];
  }
  if (match === 'Exact' && resourceVersion === '0') {
    return [forbiddenMatch('resourceVersionMatch "exact" is forbidden for resourceVersion "0"')];
  }
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    return [
      {
        reason: 'FieldValueNotSupported',
        message: `Unsupported value: "${match}": supported values: "Exact", "NotOlderThan", ""`,
        field: 'resourceVersionMatch',
      },
    ];
  }
  return [];
}

function forbiddenMatch(message: string): FieldProblem {
  return {
    reason: 'FieldValueForbidden',
    message: `Forbidden: ${message}`,
    field: 'resourceVersionMatch',
  };
}

/** Go's conversion of a boolean parameter: anything but "false" and "0" is true. */
function flag(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  return value.toLowerCase() !== 'false' && value !== '0';
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (!/^-?[0-9]+$/.test(value)) {
    throw badRequest(`strconv.ParseInt: parsing "${value}": invalid syntax`);
  }
  return Number(value);
}
