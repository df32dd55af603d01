// What the handler and the two carriers of upgraded connections agree on.
import type { TLSSocket } from 'node:tls';
import type { HeaderList } from '../http2/header-list.ts';

/**
 * A request that asks to change the protocol. Nothing has been answered, and the socket belongs to
 * whoever holds this: it must be carried (`carryWebSocket`, `carrySpdy`) or answered
 * (`answerAndClose`). Bytes that came early are back on the socket and are read from there.
 */
export interface UpgradeRequest {
  /** As for any request: pseudo-header fields first, nothing of the connection. */
  readonly headers: HeaderList;
  /** `websocket` is what http-proxy can carry; everything else goes to `carrySpdy`. */
  readonly protocol: 'websocket' | 'spdy' | 'other';
  /** The Upgrade field as the client wrote it. */
  readonly upgrade: string;
  readonly socket: TLSSocket;
}

/** Where an upgrade request goes, and what it says there. */
export interface UpgradeTarget {
  /** `https://host:port`. */
  readonly url: string;
  /** Cleaned and stamped; with `:method`, `:path` and `:authority`. */
  readonly headers: HeaderList;
  readonly tls: {
    readonly ca: string | Buffer | readonly (string | Buffer)[];
    readonly cert?: string | Buffer | undefined;
    readonly key?: string | Buffer | undefined;
    /** Name to ask for and to verify; the host of `url` when it is not given. */
    readonly servername?: string | undefined;
  };
}

export type UpgradeOutcome =
  /** Nothing was sent and the client still waits: another endpoint may be tried. */
  | { readonly kind: 'unprocessed'; readonly detail: string }
  /** 101: the tunnel is open. `ended` says who ended it. */
  | { readonly kind: 'switched'; readonly ended: Promise<TunnelEnd> }
  /** Another answer went back (the upstream's, or ours when `detail` is there); all is closed. */
  | { readonly kind: 'answered'; readonly status: number; readonly detail?: string }
  /** The client left before there was an answer; all is closed. */
  | { readonly kind: 'abandoned' };

export type TunnelEnd = 'client' | 'upstream' | 'shutdown';

/** Decides who can carry an upgrade. */
export function upgradeProtocol(method: string, upgrade: string): UpgradeRequest['protocol'] {
  const token = upgrade.toLowerCase();
  if (token.startsWith('spdy/')) return 'spdy';
  // RFC 6455, section 4.1 knows GET only; http-proxy destroys anything else.
  return token === 'websocket' && method === 'GET' ? 'websocket' : 'other';
}
