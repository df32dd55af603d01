// Expositions of replicas, and what a door makes of them without any sockets.
import { gzipSync } from 'node:zlib';
import { parseRequestInfo } from '../../../../proxy/kube/request-info.ts';
import { type Correction, ReplicaCorrector } from '../../../../proxy/observe/replica-correction.ts';
import { LINE_LIMITS } from '../../../../proxy/observe/replica-exposition.ts';
import { FactsReader, type ReplicaFacts } from '../../../../proxy/observe/replica-facts.ts';
import { ReplicaLedger } from '../../../../proxy/observe/replica-ledger.ts';
import { mergeExpositions, readPieces } from '../../../../proxy/observe/replica-merge.ts';
import { type ServedWatch, ServedWatches } from '../../../../proxy/observe/replica-served.ts';

export const LIMITS = { maxBytes: 16 * 1024 * 1024, ...LINE_LIMITS };
const CHUNK_BYTES = 1000;

export function held(text: string, compressed = true) {
  const body = compressed ? gzipSync(text) : Buffer.from(text);
  const chunks: Buffer[] = [];
  for (let at = 0; at < body.length; at += CHUNK_BYTES) {
    chunks.push(body.subarray(at, at + CHUNK_BYTES));
  }
  return { chunks, compressed };
}

export async function factsOf(
  text: string,
  suspected: ReadonlySet<string> = new Set(),
): Promise<ReplicaFacts> {
  const reader = new FactsReader(suspected);
  for await (const pieces of readPieces(held(text), LIMITS)) {
    for (const piece of pieces) reader.take(piece);
  }
  return reader.facts();
}

/** A watch of this path that was opened and ended at these seconds of the test's time. */
export function watch(path: string, openedAt: number, endedAt: number): ServedWatch {
  const served = new ServedWatches();
  served.collecting = true;
  const { timeOrigin } = performance;
  served.add(
    parseRequestInfo('GET', path),
    openedAt * 1000 - timeOrigin,
    endedAt * 1000 - timeOrigin,
  );
  const [one] = served.take();
  if (one === undefined) throw new Error(`${path} is no watch`);
  return one;
}

/** One replica as the door sees it, in a time that the test decides. */
export class TestReplica {
  readonly ledger = new ReplicaLedger();
  private readonly corrector = new ReplicaCorrector();

  /** A reading at so many seconds. */
  async read(text: string, atSeconds: number, served: readonly ServedWatch[] = []) {
    this.ledger.add(served);
    const facts = await factsOf(text, this.ledger.suspected);
    const misfiled = this.ledger.read(facts, atSeconds * 1000, atSeconds * 1000 + 10);
    return { misfiled, correction: this.corrector.correct(facts, misfiled) };
  }
}

export const NO_CORRECTION: Correction = { families: new Map(), misfiled: [] };

export interface MergedReplica {
  readonly text: string;
  readonly correction?: Correction;
  readonly sorted?: boolean;
  readonly compressed?: boolean;
}

/** The merged text of replicas by name. */
export async function merge(replicas: Readonly<Record<string, MergedReplica>>): Promise<string> {
  const expositions = Object.entries(replicas).map(([replica, one]) => ({
    replica,
    held: held(one.text, one.compressed),
    limits: LIMITS,
    sorted: one.sorted ?? true,
    correction: one.correction ?? NO_CORRECTION,
  }));
  const out: Buffer[] = [];
  for await (const chunk of mergeExpositions(expositions)) out.push(chunk);
  return Buffer.concat(out).toString();
}
