// One upgrade (exec, attach, port-forward, a proxied WebSocket) from its first header to the end
// of its tunnel. The same steps as handler.ts, with a connection of its own instead of a stream.
import { errorResponse, ProxyError, type ProxyErrorCode } from './errors.ts';
import type { HandlerParts } from './handler-parts.ts';
import { carrySpdy } from './http1/spdy.ts';
import { answerAndClose } from './http1/status-answer.ts';
import type { TunnelsByPlace } from './http1/tunnels-by-place.ts';
import type { UpgradeOutcome, UpgradeRequest, UpgradeTarget } from './http1/upgrade.ts';
import type { UpgradeLimits } from './http1/upgrade-attempt.ts';
import { carryWebSocket } from './http1/websocket.ts';
import type { Client, RequestIdentity } from './identity/client.ts';
import { enterRecord, type RequestRecord } from './observe/request-record.ts';
import type { PoolTls } from './upstream/connection-pool.ts';
import type { Endpoint } from './upstream/endpoint.ts';
import { upstreamHeaders } from './upstream/request-headers.ts';

export interface UpgradeParts extends HandlerParts {
  readonly tunnels: TunnelsByPlace<Endpoint>;
  readonly upgradeLimits: UpgradeLimits;
  readonly serverName: string | undefined;
  /** Of connections to endpoints, as it is now. */
  readonly tls: () => PoolTls;
}

/** Never rejects. */
export async function handleUpgrade(
  parts: UpgradeParts,
  request: UpgradeRequest,
  client: Client,
): Promise<void> {
  const record = enterRecord(client, request.headers, parts.nowMs());
  parts.observer.entered(record);
  parts.retryBudget.request();
  try {
    const identity = client.identify(request.headers);
    record.identityClass = identity.class;
    record.user = client.nameOf(identity, request.headers, parts.callerNames);
    await carry(parts, request, client, identity, record);
  } catch (error) {
    const { status, headers, body, code, detail } = errorResponse(error);
    note(record, code, detail, status);
    answerAndClose(request.socket, headers, body);
  }
  parts.observer.left(record, parts.nowMs());
}

/** Tries endpoints until one has seen the request, and waits for the end of the tunnel. */
async function carry(
  parts: UpgradeParts,
  request: UpgradeRequest,
  client: Client,
  identity: RequestIdentity,
  record: RequestRecord,
): Promise<void> {
  const tried: Endpoint[] = [];
  let last = new ProxyError('no kube-apiserver is ready', { code: 'no_ready_endpoint' });
  while (record.attempts < parts.maxAttempts) {
    const endpoint = parts.balancer.pick(true, tried);
    if (endpoint === undefined) break;
    tried.push(endpoint);
    record.endpoint = endpoint.name;
    record.attempts += 1;
    endpoint.load.enter(true);
    try {
      const target = targetOf(parts, request, client, identity, endpoint);
      const carrier = request.protocol === 'websocket' ? carryWebSocket : carrySpdy;
      const tunnels = parts.tunnels.to(endpoint);
      const outcome = await carrier(request, target, tunnels, parts.upgradeLimits);
      if (outcome.kind !== 'unprocessed') {
        await finish(parts, record, outcome);
        return;
      }
      endpoint.failed(outcome.detail);
      last = new ProxyError(`${endpoint.name}: ${outcome.detail}`, {
        code: 'upstream_unreachable',
      });
    } finally {
      endpoint.load.leave(true);
    }
    if (!parts.retryBudget.take()) break;
  }
  throw last;
}

async function finish(
  parts: UpgradeParts,
  record: RequestRecord,
  outcome: Exclude<UpgradeOutcome, { kind: 'unprocessed' }>,
): Promise<void> {
  record.answeredAtMs = parts.nowMs();
  if (outcome.kind === 'switched') {
    record.status = 101;
    const end = await outcome.ended;
    if (end === 'shutdown') {
      const detail = 'the door drains, or its endpoint was removed';
      note(record, 'shutting_down', detail, record.status);
    }
  } else if (outcome.kind === 'answered') {
    record.status = outcome.status;
    if (outcome.detail !== undefined) {
      note(record, 'upstream_protocol', outcome.detail, outcome.status);
    }
  } else {
    note(record, 'client_gone', 'left before the answer', 0);
  }
}

function targetOf(
  parts: UpgradeParts,
  request: UpgradeRequest,
  client: Client,
  identity: RequestIdentity,
  endpoint: Endpoint,
): UpgradeTarget {
  const { ca, certificate } = parts.tls();
  return {
    url: endpoint.url,
    headers: upstreamHeaders(request.headers, identity, client.address, parts.alsoStrip),
    tls: {
      ca,
      servername: parts.serverName,
      // As with connection pools: only what the door vouches for travels with the certificate.
      ...(identity.class === 'certificate' ? certificate : {}),
    },
  };
}

function note(record: RequestRecord, code: ProxyErrorCode, detail: string, status: number): void {
  record.failure = code;
  record.failureDetail = detail;
  record.status = status;
}
