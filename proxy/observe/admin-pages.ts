// What the admin server shows, worked out from the sources alone.
import {
  type EndpointChanges,
  type EndpointState,
  type PoolCount,
  poolCounts,
  type Sources,
  stateOf,
} from './sources.ts';

/** An answer of the admin port. */
export interface AdminPage {
  readonly status: number;
  readonly contentType: string;
  /** A long one comes in parts, none of which is made before the one before it has left. */
  readonly body: string | Buffer | AsyncIterable<Buffer>;
  /** Besides those that every page has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Each part is to be read when it comes, so that it cannot wait for a compressor to be full. */
  readonly uncompressed?: boolean;
}

export const TEXT = 'text/plain; charset=utf-8';

export function textPage(status: number, body: string): AdminPage {
  return { status, contentType: TEXT, body };
}

/** A body of which is counted how many are under way. */
export async function* counted(
  body: AsyncIterable<Buffer>,
  count: (one: 1 | -1) => void,
): AsyncGenerator<Buffer> {
  count(1);
  try {
    yield* body;
  } finally {
    count(-1);
  }
}

export interface ReadinessCheck {
  readonly name: string;
  /** Undefined when the check passes. */
  readonly problem: string | undefined;
}

/** Whether the door should be sent new clients. */
export function readinessChecks({ draining, endpoints }: Sources): readonly ReadinessCheck[] {
  const available = endpoints.some((endpoint) => endpoint.available);
  return [
    { name: 'running', problem: draining ? 'the front door drains' : undefined },
    {
      name: 'endpoints',
      problem: available ? undefined : `none of ${endpoints.length} kube-apiservers is ready`,
    },
  ];
}

/** In the words of kube-apiserver's own pages (pkg/server/healthz/healthz.go). */
export function verboseChecks(page: string, checks: readonly ReadinessCheck[]): string {
  const lines = checks.map(({ name, problem }) =>
    problem === undefined ? `[+]${name} ok` : `[-]${name} failed: ${problem}`,
  );
  const passed = checks.every(({ problem }) => problem === undefined);
  return `${lines.join('\n')}\n${page} check ${passed ? 'passed' : 'failed'}\n`;
}

export interface EndpointReport {
  readonly name: string;
  readonly url: string;
  readonly state: EndpointState;
  readonly ready: boolean;
  readonly ejected: boolean;
  /** Null while it is not available: "for 0 ms" would read as "since just now". */
  readonly availableForMs: number | null;
  readonly requests: number;
  /** Logs and tunnels included. */
  readonly watches: number;
  readonly connections: readonly PoolCount[];
  readonly lastChange: { readonly what: string; readonly at: string } | null;
}

export function endpointReports(
  { endpoints }: Sources,
  changes: EndpointChanges,
): readonly EndpointReport[] {
  return endpoints.map((endpoint) => {
    const change = changes.lastOf(endpoint);
    return {
      name: endpoint.name,
      url: endpoint.url,
      state: stateOf(endpoint),
      ready: endpoint.ready,
      ejected: endpoint.ejected,
      availableForMs: endpoint.available ? Math.round(endpoint.availableForMs) : null,
      requests: endpoint.load.requests,
      watches: endpoint.load.longRunning,
      connections: poolCounts(endpoint),
      lastChange: change === undefined ? null : { what: change.what, at: change.at.toISOString() },
    };
  });
}
