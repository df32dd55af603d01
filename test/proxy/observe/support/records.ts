import { Client } from '../../../../proxy/identity/client.ts';
import { enterRecord, type RequestRecord } from '../../../../proxy/observe/request-record.ts';
import type { ObservedEndpoint, Sources } from '../../../../proxy/observe/sources.ts';

const client = new Client('192.0.2.7', 'h2', undefined);

/** A request as it is when it leaves: answered with 200 by cp-1 unless told otherwise. */
export function recordOf(request: string, outcome: Partial<RequestRecord> = {}): RequestRecord {
  const [method = '', path = ''] = request.split(' ');
  const headers = [':method', method, ':path', path, 'user-agent', 'kubectl/v1.34.4'];
  return {
    ...enterRecord(client, headers, 1000),
    identityClass: 'bearer',
    endpoint: 'cp-1',
    attempts: 1,
    status: 200,
    answeredAtMs: 1001,
    ...outcome,
  };
}

export function endpointOf(
  name: string,
  state: Partial<Omit<ObservedEndpoint, 'available'>> = {},
): ObservedEndpoint {
  const { ready = true, ejected = false } = state;
  return {
    name,
    url: `https://${name}:6443`,
    ready,
    ejected,
    available: ready && !ejected,
    availableForMs: 0,
    load: { requests: 0, longRunning: 0 },
    connectionCounts: () => [],
    ...state,
  };
}

export type ChangeableSources = { -readonly [Key in keyof Sources]: Sources[Key] };

export function sourcesOf(
  endpoints: readonly ObservedEndpoint[],
  rest: Partial<Sources> = {},
): ChangeableSources {
  return {
    endpoints,
    draining: false,
    http2Connections: 0,
    http1Connections: 0,
    openTunnels: 0,
    ...rest,
  };
}
