// Upgrades that http-proxy cannot carry: SPDY/3.1 (kubectl exec, attach and port-forward before
// 1.30, by POST) and any other protocol, through undici. The only file that imports it.
import { connect, type TLSSocket } from 'node:tls';
import { Client, type Dispatcher } from 'undici';
import type { Tunnels } from './tunnels.ts';
import type { UpgradeOutcome, UpgradeRequest, UpgradeTarget } from './upgrade.ts';
import { UpgradeAttempt, type UpgradeLimits, upgradeDefaults } from './upgrade-attempt.ts';
import { upgradeHead, upgradeTlsOptions } from './upstream-tls.ts';

/** Sends an upgrade request to one upstream and carries what follows. Never rejects. */
export function carrySpdy(
  request: UpgradeRequest,
  target: UpgradeTarget,
  tunnels: Tunnels,
  limits: UpgradeLimits = upgradeDefaults,
): Promise<UpgradeOutcome> {
  // One client for one connection: nothing of an upgrade is ever used by another request.
  const { client, destroy } = createClient(target);
  const attempt = new UpgradeAttempt(request, tunnels, limits, destroy);
  const { method, path, fields } = upgradeHead(target.headers);
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: () => attempt.sent(),
    // `client.upgrade()` would throw away an answer other than 101.
    onRequestUpgrade: (controller, _status, _headers, upstream) => {
      if (attempt.over) {
        upstream.destroy();
        return;
      }
      const { socket } = request;
      socket.write(switchingProtocols(rawHeaders(controller)), 'latin1');
      upstream.pipe(socket).pipe(upstream);
      // A Duplex by its type; undici hands over the socket of its connection.
      attempt.switched(upstream as typeof socket);
    },
    onResponseStart: (controller, status) => {
      // 102 and 103 come through here too; the answer follows.
      if (status >= 200) attempt.answerStarted(status, rawHeaders(controller));
    },
    onResponseData: (_controller, chunk) => attempt.answerChunk(chunk),
    onResponseEnd: () => attempt.answerEnded(),
    onResponseError: (_controller, error) => attempt.failed(describe(error)),
  };
  try {
    client.dispatch({ method, path, headers: fields, upgrade: request.upgrade }, handler);
  } catch (error) {
    attempt.failed(describe(error));
  }
  return attempt.outcome;
}

function createClient(target: UpgradeTarget): { client: Client; destroy(): void } {
  const options = upgradeTlsOptions(target);
  let socket: TLSSocket | undefined;
  const client = new Client(target.url, {
    allowH2: false,
    pipelining: 1,
    // The attempt has one timer for all of it.
    headersTimeout: 0,
    bodyTimeout: 0,
    // undici's own connector takes the name to verify from the Host field, which is the client's.
    connect: (_address, callback) => {
      const connecting = connect(options);
      socket = connecting;
      const refused = (error: Error): void => callback(error, null);
      connecting.once('error', refused);
      connecting.once('secureConnect', () => {
        connecting.off('error', refused);
        callback(null, connecting);
      });
    },
  });
  const destroy = (): void => {
    // A client that is destroyed while it connects leaves the connection to time out by itself.
    socket?.destroy();
    // Fulfilled when everything is closed, and nobody waits for that.
    void client.destroy();
  };
  return { client, destroy };
}

/** Node's parser gives buffers, one byte a character. */
function rawHeaders(controller: Dispatcher.DispatchController): string[] {
  const raw = controller.rawHeaders;
  if (!Array.isArray(raw)) return [];
  return raw.map((text) => (typeof text === 'string' ? text : text.toString('latin1')));
}

function switchingProtocols(fields: readonly string[]): string {
  let head = 'HTTP/1.1 101 Switching Protocols\r\n';
  for (let i = 0; i < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return `${head}\r\n`;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
