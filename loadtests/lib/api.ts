// Requests as the apiserver's own clients send them, under the name that its metrics would give
// them: verb, resource and scope, never the URL, of which there are as many as objects.
import http, { type RefinedResponse } from 'k6/http';
import { AUTHORIZATION, RUN_ID, SERVER } from './target.ts';

export const LOAD_LABEL = 'evenkeel.dev/load';
/** On everything that a suite makes. */
export const LOAD_LABELS: Readonly<Record<string, string>> = { [LOAD_LABEL]: RUN_ID };

/** Of apiserver_request_sli_duration_seconds: what objectives are stated by. */
export interface RequestName {
  readonly verb: 'GET' | 'LIST' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'DELETECOLLECTION';
  /** With its subresource: `nodes/status`. */
  readonly resource: string;
  readonly scope: 'resource' | 'namespace' | 'cluster';
}

interface Sent {
  readonly body?: unknown;
  readonly contentType?: string;
  /** Statuses that are no error of the server's here, such as 404 after a deletion. */
  readonly accept?: readonly number[];
}

const METHODS: Readonly<Record<string, string>> = { LIST: 'GET', DELETECOLLECTION: 'DELETE' };

/** The response; one whose status is neither 2xx nor accepted is tagged as failed. */
export function request(name: RequestName, path: string, sent: Sent = {}): RefinedResponse<'text'> {
  const { verb, resource, scope } = name;
  const { body, contentType = 'application/json', accept = [] } = sent;
  return http.request(
    METHODS[verb] ?? verb,
    `${SERVER}${path}`,
    body === undefined ? null : JSON.stringify(body),
    {
      headers: { ...AUTHORIZATION, Accept: 'application/json', 'Content-Type': contentType },
      tags: { name: `${verb} ${resource} ${scope}`, verb, resource, scope },
      responseType: 'text',
      responseCallback: http.expectedStatuses({ min: 200, max: 299 }, ...accept),
    },
  );
}

/** Of set-up: throws, since a suite whose objects are missing measures something else. */
export function must(name: RequestName, path: string, sent: Sent = {}): RefinedResponse<'text'> {
  const response = request(name, path, sent);
  const accepted = sent.accept?.includes(response.status) ?? false;
  if (!accepted && (response.status < 200 || response.status > 299)) {
    const why = response.error || response.body;
    throw new Error(`${name.verb} ${path}: status ${response.status}: ${why}`);
  }
  return response;
}
