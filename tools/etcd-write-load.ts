// Puts at a steady rate with a book of what was acknowledged, so that a write that was lost can be
// proven afterwards.
import { setTimeout as delay } from 'node:timers/promises';
import { EtcdGateway, GatewayError, type GatewayTls, type StoredKey } from './etcd-gateway.ts';

export interface WriteLoadOptions {
  /** Client URLs. Each writer goes on to the next when one gives no answer. */
  readonly urls: readonly string[];
  readonly putsPerSecond: number;
  /** How many puts may be under way at a time; also the number of keys. 32 by default. */
  readonly writers?: number;
  /** 64 by default. */
  readonly valueBytes?: number;
  /** Begins every key; no other load of the cluster may use it. */
  readonly prefix?: string;
  readonly tls?: GatewayTls;
  readonly user?: { readonly name: string; readonly password: string };
}

/** What became of the puts of one key. They are made one after the other. */
export interface KeyRecord {
  readonly key: string;
  /** Etcd said that they are committed: they must be there. */
  acknowledged: number;
  /** The numbers of those without an answer, or with one that leaves it open. */
  readonly open: number[];
  /** Refused before they were proposed: they must not be there. */
  refused: number;
  /** The number of the last that was acknowledged; the value begins with it. */
  lastAcknowledged: number;
}

/** A load that runs. */
export interface WriteLoad {
  /** All keys together, as of now. */
  totals(): { acknowledged: number; unknown: number; refused: number };
  /** Puts that were due and not begun, since all writers waited. Large: the rate is not kept. */
  skipped(): number;
  /** Ends it when the puts under way have ended. */
  stop(): Promise<readonly KeyRecord[]>;
}

const DEFAULT_WRITERS = 32;
const DEFAULT_VALUE_BYTES = 64;
const DEFAULT_PREFIX = 'load/';
const TIMEOUT_MS = 3000;
// Puts that are due after a pause are made up for, but not all of a long one at once.
const MAX_DUE = 200;
const RETRY_PAUSE_MS = 50;
const MAX_SLEEP_MS = 100;

/** Starts at once. */
export function startWriteLoad(options: WriteLoadOptions): WriteLoad {
  const { urls, writers = DEFAULT_WRITERS, prefix = DEFAULT_PREFIX, tls, user } = options;
  const gateways = urls.map((url) => {
    const gateway = new EtcdGateway({
      url,
      connections: writers,
      timeoutMs: TIMEOUT_MS,
      ...(tls === undefined ? {} : { tls }),
    });
    if (user !== undefined) gateway.signInAs(user.name, user.password);
    return gateway;
  });
  const pace = new Pace(options.putsPerSecond);
  const value = 'x'.repeat(options.valueBytes ?? DEFAULT_VALUE_BYTES);
  const records: KeyRecord[] = [];
  const running = Array.from({ length: writers }, (_, index) => {
    const record: KeyRecord = {
      key: `${prefix}${String(index).padStart(4, '0')}`,
      acknowledged: 0,
      open: [],
      refused: 0,
      lastAcknowledged: 0,
    };
    records.push(record);
    return write({ record, gateways, first: index, pace, value });
  });
  return {
    totals: () => ({
      acknowledged: sum(records, (record) => record.acknowledged),
      unknown: sum(records, (record) => record.open.length),
      refused: sum(records, (record) => record.refused),
    }),
    skipped: () => pace.skipped,
    async stop() {
      pace.stop();
      try {
        await Promise.all(running);
      } finally {
        for (const gateway of gateways) gateway.close();
      }
      return records;
    },
  };
}

async function write({
  record,
  gateways,
  first,
  pace,
  value,
}: {
  record: KeyRecord;
  gateways: readonly EtcdGateway[];
  first: number;
  pace: Pace;
  value: string;
}): Promise<void> {
  let at = first;
  for (let number = 1; await pace.next(); number += 1) {
    const gateway = gateways[at % gateways.length];
    if (gateway === undefined) throw new Error('a write load needs at least one URL');
    try {
      await gateway.put(record.key, `${number} ${value}`);
      record.acknowledged += 1;
      record.lastAcknowledged = number;
    } catch (error) {
      if (wasRefused(error)) record.refused += 1;
      else record.open.push(number);
      at += 1;
      // All members may be refusing at once, and a loop of refusals is no load.
      await delay(RETRY_PAUSE_MS);
    }
  }
}

/**
 * Nothing is taken for refused that could be in the log: a timeout and a change of leader leave it
 * open (ErrTimeout..., ErrLeaderChanged in etcd's rpctypes), and so does a connection that breaks.
 * One that was never made does not.
 */
function wasRefused(error: unknown): boolean {
  if (error instanceof GatewayError) {
    return /too many requests|no space|permission denied|invalid auth token/.test(error.message);
  }
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
}

function sum(records: readonly KeyRecord[], of: (record: KeyRecord) => number): number {
  return records.reduce((total, record) => total + of(record), 0);
}

/** Gives leave for puts so that over any longer time there are as many as the rate says. */
class Pace {
  readonly #intervalMs: number;
  #nextAtMs = performance.now();
  #stopped = false;
  skipped = 0;

  constructor(perSecond: number) {
    this.#intervalMs = 1000 / perSecond;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Resolves when the next is due; false when there is none any more. */
  async next(): Promise<boolean> {
    const now = performance.now();
    const behind = Math.floor((now - this.#nextAtMs) / this.#intervalMs) - MAX_DUE;
    if (behind > 0) {
      this.skipped += behind;
      this.#nextAtMs += behind * this.#intervalMs;
    }
    const dueAtMs = this.#nextAtMs;
    this.#nextAtMs += this.#intervalMs;
    // In short steps, so that a slow load can be stopped at once.
    for (let leftMs = dueAtMs - now; leftMs > 0 && !this.#stopped; leftMs -= MAX_SLEEP_MS) {
      await delay(Math.min(leftMs, MAX_SLEEP_MS));
    }
    return !this.#stopped;
  }
}

/** What a store holds other than the book says; empty when nothing was lost and nothing made up. */
export function findLostWrites(
  records: readonly KeyRecord[],
  stored: readonly StoredKey[],
): string[] {
  const byKey = new Map(stored.map((key) => [key.key, key]));
  return records.flatMap((record) => {
    const found = byKey.get(record.key);
    // How often a key was put is its version, so that a lost put shows even below later ones.
    const version = Number(found?.version ?? 0n);
    const last = Number.parseInt(found?.value ?? '0', 10);
    const most = record.acknowledged + record.open.length;
    const problems: string[] = [];
    if (version < record.acknowledged) {
      problems.push(`${record.acknowledged - version} acknowledged puts are lost`);
    }
    if (version > most) problems.push(`${version - most} puts too many`);
    // An open put may come late, such as when the member that has it was frozen and is thawed.
    if (last !== record.lastAcknowledged && !record.open.includes(last)) {
      problems.push(`holds put ${last}, not ${record.lastAcknowledged}, the last acknowledged`);
    }
    return problems.map((problem) => `${record.key}: ${problem}`);
  });
}
