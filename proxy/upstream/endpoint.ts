import type { Connection } from '../http2/connection.ts';
import type { IdentityClass } from '../identity/identity-class.ts';
import type { RequestInfo } from '../kube/request-info.ts';
import { ServedWatches } from '../observe/replica-served.ts';
import { ConnectionPool, type PoolOptions, type PoolTls } from './connection-pool.ts';
import { EndpointLoad } from './endpoint-load.ts';
import { afterCheck, afterRefusal, type HealthPolicy, unknownHealth } from './health.ts';
import { afterFailure, afterSuccess, noOutlier, type OutlierPolicy } from './outlier.ts';

/** What a connection is for: one reset or GOAWAY among short requests must not touch watches. */
export type Purpose = 'short' | 'watch' | 'health';

export interface EndpointOptions {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly health: HealthPolicy;
  readonly outlier: OutlierPolicy;
  /** Pool options that all pools of the endpoint share. */
  readonly pool: Omit<
    PoolOptions,
    'onFailure' | 'onSilent' | 'mayConnect' | 'tls' | 'host' | 'port'
  >;
  /** Bound on connections, of all pools together. */
  readonly maxConnections: number;
  /** As they are now; the certificate proves that identity headers come from the door. */
  readonly tls: () => PoolTls;
  readonly nowMs: () => number;
  /** Readiness or ejection has changed, and why. */
  onChange(endpoint: Endpoint, what: string): void;
  /** A connection with open streams does not answer a PING, and is not given up yet. */
  onSilent(endpoint: Endpoint, connection: Connection): void;
  /** Something went wrong on a connection: worth a check before the next one is due. */
  onSuspicion(endpoint: Endpoint): void;
  /** Whether the set of endpoints can spare this one now. */
  mayEject(): boolean;
}

/**
 * An apiserver ends a connection after an anonymous request on it (UnauthenticatedHTTP2DOSMitigation,
 * 1.29 and later), so anonymous requests that share one cost each other their turn.
 */
const ANONYMOUS_SPREAD = { spreadStreams: 1, spreadConnections: 32 };
/** A suspicion lasts this long when it is not renewed. */
const SUSPICION_MS = 1500;

/** One kube-apiserver: its connections, its health and its load. */
export class Endpoint {
  readonly name: string;
  /** `https://host:port`. */
  readonly url: string;
  readonly load = new EndpointLoad();
  /** Its watches that are over, for the comparison with its own metrics. */
  readonly served = new ServedWatches();
  private readonly options: EndpointOptions;
  private readonly pools = new Map<string, ConnectionPool>();
  private health = unknownHealth;
  private outlier = noOutlier;
  private availableSinceMs = 0;
  private unavailableSinceMs = 0;
  private suspectedUntilMs = 0;
  private isLeaving = false;

  constructor(options: EndpointOptions) {
    this.options = options;
    this.name = options.name;
    this.url = urlOf(options);
  }

  /** It is what the configuration calls so. */
  isAt(address: Pick<EndpointOptions, 'name' | 'host' | 'port'>): boolean {
    return this.name === address.name && this.url === urlOf(address);
  }

  /** Its health checks pass. */
  get ready(): boolean {
    return this.health.ready;
  }

  get ejected(): boolean {
    // Mostly it never was, and then the clock, which costs more, is not asked.
    const { ejectedUntilMs } = this.outlier;
    return ejectedUntilMs > 0 && ejectedUntilMs > this.options.nowMs();
  }

  get available(): boolean {
    return this.health.ready && !this.ejected && !this.isLeaving;
  }

  /** One of its connections does not answer just now: others are to be preferred. */
  get suspected(): boolean {
    return this.suspectedUntilMs > 0 && this.suspectedUntilMs > this.options.nowMs();
  }

  get availableForMs(): number {
    const since = Math.max(this.availableSinceMs, this.outlier.ejectedUntilMs);
    return Math.max(0, this.options.nowMs() - since);
  }

  /** 0 while it is available. */
  get unavailableForMs(): number {
    return this.available ? 0 : this.options.nowMs() - this.unavailableSinceMs;
  }

  /** A connection for one more stream, or undefined when all places are taken. */
  acquire(identityClass: IdentityClass, purpose: Purpose): Connection | undefined {
    const key = `${identityClass} ${purpose}`;
    let pool = this.pools.get(key);
    if (pool === undefined) {
      if (this.isLeaving) return undefined;
      pool = this.createPool(identityClass);
      this.pools.set(key, pool);
    }
    return pool.acquire();
  }

  /** Open connections by identity class and purpose, as `certificate watch`. */
  connectionCounts(): [pool: string, connections: number][] {
    return [...this.pools].map(([key, pool]) => [key, pool.size]);
  }

  checked(passed: boolean, detail: string): void {
    this.setHealth(afterCheck(this.health, passed, this.options.health), detail);
  }

  /** A request was answered by the endpoint, and not with a failure of its own. */
  succeeded(): void {
    this.outlier = afterSuccess(this.outlier);
  }

  /** The endpoint failed a request: lost it, or answered it with a 5xx of its own. */
  failed(detail: string): void {
    const { nowMs, outlier } = this.options;
    this.load.failed(nowMs());
    // Whom nothing is sent to any more cannot be left out.
    if (this.isLeaving) return;
    const before = this.outlier.ejectedUntilMs;
    this.outlier = afterFailure(this.outlier, outlier, nowMs(), this.options.mayEject());
    if (this.outlier.ejectedUntilMs !== before) {
      this.unavailableSinceMs = nowMs();
      const seconds = Math.round((this.outlier.ejectedUntilMs - nowMs()) / 1000);
      this.options.onChange(this, `ejected for ${seconds} s: ${detail}`);
    }
  }

  /**
   * A request ended without an answer. One that was surely not processed is no failure: a single
   * GOAWAY, which an apiserver may send at any time (--goaway-chance), leaves all requests that
   * were on their way unprocessed, and would eject the endpoint.
   */
  lost(detail: string, unprocessed: boolean): void {
    if (unprocessed) this.overloaded();
    else this.failed(detail);
  }

  /** A watch that it has answered is over. */
  watchEnded(info: RequestInfo, openedAtMs: number): void {
    this.served.add(info, openedAtMs, this.options.nowMs());
  }

  /** The endpoint said that it has too much to do. */
  overloaded(): void {
    this.load.failed(this.options.nowMs());
  }

  /** To be called now and then: looks after silent connections. */
  sweep(awakeSinceMs: number): void {
    for (const pool of this.pools.values()) pool.sweep(awakeSinceMs);
  }

  /** It is not on the list any more: no new streams, and connections end with their last one. */
  leave(): void {
    this.isLeaving = true;
    this.served.collecting = false;
    for (const pool of this.pools.values()) pool.drain();
  }

  /** It carries nothing, and no connection to it is open. */
  get isEmpty(): boolean {
    const { requests, longRunning } = this.load;
    return this.connectionCount === 0 && requests === 0 && longRunning === 0;
  }

  close(detail: string): void {
    for (const pool of this.pools.values()) pool.close(detail);
  }

  private get connectionCount(): number {
    let count = 0;
    for (const pool of this.pools.values()) count += pool.size;
    return count;
  }

  private createPool(identityClass: IdentityClass): ConnectionPool {
    const { options } = this;
    // Only these connections carry the certificate: on any other, identity headers that slipped
    // through every other check would still prove nothing.
    const mayVouch = identityClass === 'certificate';
    return new ConnectionPool({
      ...options.pool,
      ...(identityClass === 'anonymous' ? ANONYMOUS_SPREAD : {}),
      tls: mayVouch ? options.tls : () => ({ ca: options.tls().ca }),
      host: options.host,
      port: options.port,
      mayConnect: () => this.connectionCount < options.maxConnections,
      onSilent: (connection) => this.onSilent(connection),
      onFailure: (detail, refused) => this.onConnectionFailure(detail, refused),
    });
  }

  private onSilent(connection: Connection): void {
    this.suspectedUntilMs = this.options.nowMs() + SUSPICION_MS;
    this.options.onSilent(this, connection);
  }

  private onConnectionFailure(detail: string, refused: boolean): void {
    const wasReady = this.health.ready;
    if (refused) this.setHealth(afterRefusal(this.health), `connection failed: ${detail}`);
    // One that is out is checked at its pace: the check itself fails to connect, and would be asked
    // for again without end.
    if (wasReady) this.options.onSuspicion(this);
  }

  private setHealth(next: typeof this.health, detail: string): void {
    const before = this.health;
    this.health = next;
    if (next.ready === before.ready && before.known) return;
    if (next.ready) this.availableSinceMs = this.options.nowMs();
    else this.unavailableSinceMs = this.options.nowMs();
    this.options.onChange(this, next.ready ? 'ready' : `not ready: ${detail}`);
  }
}

function urlOf({ host, port }: Pick<EndpointOptions, 'host' | 'port'>): string {
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
