// WebSocket upgrades (kubectl exec, attach, cp and port-forward since 1.30) through http-proxy,
// which makes the request, writes the 101 and pipes the two sockets. The only file that imports it.
//
// Two things it does before a 101 are not wanted, and are taken from it once it has set them up:
// it writes another answer without undoing its chunked coding, and it ends the client's socket when
// the upstream cannot be reached, so that no other endpoint could be tried.
import { type ClientRequest, type IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import util from 'node:util';
import type { Tunnels } from './tunnels.ts';
import type { UpgradeOutcome, UpgradeRequest, UpgradeTarget } from './upgrade.ts';
import { UpgradeAttempt, type UpgradeLimits, upgradeDefaults } from './upgrade-attempt.ts';
import { upgradeHead, upgradeTlsOptions } from './upstream-tls.ts';

const { createProxyServer } = loadHttpProxy();

/**
 * Sends a WebSocket request to one upstream and carries what follows. Never rejects.
 *
 * @param request must have the protocol `websocket`: http-proxy takes nothing else.
 */
export function carryWebSocket(
  request: UpgradeRequest,
  target: UpgradeTarget,
  tunnels: Tunnels,
  limits: UpgradeLimits = upgradeDefaults,
): Promise<UpgradeOutcome> {
  const { path, fields } = upgradeHead(target.headers);
  const { host, port, ca, cert, key, ...ssl } = upgradeTlsOptions(target);
  const proxy = createProxyServer({ toProxy: true, prependPath: false });
  let upstreamRequest: ClientRequest | undefined;
  const attempt = new UpgradeAttempt(request, tunnels, limits, () => upstreamRequest?.destroy());
  proxy.on('proxyReqWs', (made) => {
    upstreamRequest = made;
    // http-proxy makes one slash of several, and that may be another object.
    made.path = path;
  });
  proxy.on('open', (upstream) => attempt.switched(upstream));
  // After the 101 the sockets tell it themselves.
  proxy.on('error', (error) => attempt.failed(error.message));
  try {
    proxy.ws(clientRequest(request, fields), request.socket, Buffer.alloc(0), {
      // http-proxy reads these from the target, and the other TLS options from `ssl`.
      target: Object.assign({ protocol: 'https:' }, { host, port, ca, cert, key }) as object,
      ssl,
      secure: true,
    });
  } catch (error) {
    attempt.failed(error instanceof Error ? error.message : String(error));
  }
  if (upstreamRequest !== undefined) reportTo(attempt, upstreamRequest);
  return attempt.outcome;
}

/** Has the attempt hear what http-proxy would act on by itself before a 101. */
function reportTo(attempt: UpgradeAttempt, upstreamRequest: ClientRequest): void {
  upstreamRequest.removeAllListeners('error');
  upstreamRequest.removeAllListeners('response');
  upstreamRequest.on('error', (error) => attempt.failed(error.message));
  upstreamRequest.on('socket', (socket: Socket) => {
    socket.once('secureConnect', () => attempt.sent());
  });
  upstreamRequest.on('response', (response) => {
    attempt.answerStarted(response.statusCode ?? 0, response.rawHeaders);
    response.on('data', (chunk: Buffer) => attempt.answerChunk(chunk));
    response.on('end', () => attempt.answerEnded());
    response.on('error', (error) => attempt.failed(error.message));
  });
}

/** What http-proxy copies into the request it makes. */
function clientRequest(request: UpgradeRequest, fields: readonly string[]): IncomingMessage {
  const message = new IncomingMessage(request.socket);
  message.method = 'GET';
  message.url = '/';
  const headers: IncomingHttpHeaders = Object.create(null);
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    const value = fields[i + 1] ?? '';
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  headers.connection = 'Upgrade';
  headers.upgrade = request.upgrade;
  message.headers = headers;
  return message;
}

/**
 * Loads http-proxy with a working `util._extend` in place of Node's deprecated one, which it picks
 * up while it is loaded and which would write warning DEP0060 at the first connection. Node's own
 * is put back at once, so that nobody else sees a difference and no other warning is hidden.
 */
function loadHttpProxy(): typeof import('http-proxy') {
  const original: unknown = Reflect.get(util, '_extend');
  Reflect.set(util, '_extend', Object.assign);
  try {
    return createRequire(import.meta.url)('http-proxy');
  } finally {
    Reflect.set(util, '_extend', original);
  }
}
