import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { HeaderList } from '../http2/header-list.ts';
import type { UpgradeTarget } from './upgrade.ts';

/**
 * TLS options for an upgrade. Only `http/1.1` is offered: HTTP/2 has no upgrades, and an upstream
 * that picks it answers with a SETTINGS frame (gravitational/teleport#15076).
 */
export function upgradeTlsOptions(target: UpgradeTarget): ConnectionOptions {
  const { hostname, port } = new URL(target.url);
  // An IPv6 address is in brackets in a URL and nowhere else.
  const host = hostname.replace(/^\[|\]$/g, '');
  const { ca, cert, key, servername } = target.tls;
  return {
    host,
    port: port === '' ? 443 : Number(port),
    // Never from the Host field, which is the client's. No name for an address (RFC 6066, 3).
    servername: servername ?? (isIP(host) === 0 ? host : ''),
    ca: typeof ca === 'string' || Buffer.isBuffer(ca) ? ca : [...ca],
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ALPNProtocols: ['http/1.1'],
  };
}

/** The request line and the fields of an upgrade request, without what the carriers write. */
export function upgradeHead(headers: HeaderList): {
  method: string;
  path: string;
  fields: string[];
} {
  let method = 'GET';
  let path = '/';
  const fields: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const value = headers[i + 1] ?? '';
    if (name === ':method') method = value;
    else if (name === ':path') path = value;
    else if (name === ':authority') fields.push('host', value);
    // An upgrade request has no body (request-head.ts), and a length of 0 need not be said.
    else if (!name.startsWith(':') && !WRITTEN_BY_CARRIER.has(name)) fields.push(name, value);
  }
  return { method, path, fields };
}

const WRITTEN_BY_CARRIER: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);
