// The expositions of all replicas as one, family by family as the text format wants it, without any
// of them being in memory as a whole: they are kept as they came, mostly compressed.
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import type { Correction } from './replica-correction.ts';
import {
  type ExpositionLimits,
  ExpositionParser,
  type ExpositionPiece,
} from './replica-exposition.ts';
import { FamilyRewriter } from './replica-rewrite.ts';
import { labelBytes, withReplicaLabel } from './replica-sample.ts';

/** The body of an answer, as it came. */
export interface HeldExposition {
  readonly chunks: readonly Buffer[];
  readonly compressed: boolean;
}

/** One that has been read to its end without a mistake. */
export interface ReplicaExposition {
  readonly replica: string;
  readonly held: HeldExposition;
  readonly limits: ExpositionLimits;
  /** Its families come in the order of their names, each once. */
  readonly sorted: boolean;
  readonly correction: Correction;
}

/** Given on in one write. */
const CHUNK_BYTES = 64 * 1024;
const EMPTY = Buffer.alloc(0);

/** @throws ExpositionError, or zlib's error for what is not compressed as it says */
export async function* readPieces(
  { chunks, compressed }: HeldExposition,
  limits: ExpositionLimits,
): AsyncGenerator<readonly ExpositionPiece[]> {
  const parser = new ExpositionParser(limits);
  const source = compressed ? Readable.from(chunks).pipe(createGunzip()) : oneByOne(chunks);
  for await (const chunk of source) yield parser.push(chunk as Buffer);
  yield parser.finish();
}

/** With a turn of the event loop in between, as decompression has it by itself. */
async function* oneByOne(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    yield chunk;
    await turn();
  }
}

/** All of them in one text, each series with the label `replica` in front. */
export async function* mergeExpositions(
  expositions: readonly ReplicaExposition[],
): AsyncGenerator<Buffer> {
  const cursors = expositions.map((exposition) => new Cursor(exposition));
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  try {
    for await (const bytes of mergeFamilies(cursors)) {
      waiting.push(bytes);
      waitingBytes += bytes.length;
      if (waitingBytes < CHUNK_BYTES) continue;
      yield Buffer.concat(waiting);
      waiting = [];
      waitingBytes = 0;
    }
    yield Buffer.concat(waiting);
  } finally {
    // Whoever reads may have gone.
    await Promise.all(cursors.map((cursor) => cursor.close()));
  }
}

async function* mergeFamilies(cursors: readonly Cursor[]): AsyncGenerator<Buffer> {
  for (;;) {
    const heads = await Promise.all(cursors.map((cursor) => cursor.head()));
    const names = heads.flatMap((head) => head?.family ?? []);
    const family = names.reduce<string | undefined>(
      (least, name) => (least === undefined || name < least ? name : least),
      undefined,
    );
    if (family === undefined) return;
    const first = heads.find((head) => head?.family === family);
    if (first !== undefined) yield first.comments;
    for (const [i, cursor] of cursors.entries()) {
      if (heads[i]?.family === family) yield* cursor.takeFamily(first?.type ?? '');
    }
  }
}

/** The families of one replica, one after the other. */
class Cursor {
  private readonly exposition: ReplicaExposition;
  private readonly label: Buffer;
  private readonly source: AsyncGenerator<readonly ExpositionPiece[]>;
  private batch: readonly ExpositionPiece[] = [];
  private at = 0;

  constructor(exposition: ReplicaExposition) {
    this.exposition = exposition;
    const { held, limits, sorted, replica } = exposition;
    this.label = labelBytes('replica', replica);
    const pieces = readPieces(held, limits);
    this.source = sorted ? pieces : inOrder(pieces);
  }

  async head(): Promise<ExpositionPiece | undefined> {
    while (this.at >= this.batch.length) {
      const next = await this.source.next();
      if (next.done === true) return undefined;
      this.batch = next.value;
      this.at = 0;
    }
    return this.batch[this.at];
  }

  async close(): Promise<void> {
    await this.source.return(undefined);
  }

  /** @param type that the family has in the merged text */
  async *takeFamily(type: string): AsyncGenerator<Buffer> {
    const { replica, correction } = this.exposition;
    const first = await this.head();
    if (first === undefined) return;
    const { family } = first;
    const say = (note: string): Buffer =>
      Buffer.from(`# evenkeel: replica ${JSON.stringify(replica)}: ${note}\n`);
    // Replicas of two releases; a family can only be of one type.
    const fits = first.type === type;
    if (!fits) yield say(`left out, because its ${family} is of type ${first.type}`);
    const own = fits ? correction.families.get(family) : undefined;
    for (const note of own?.notes ?? []) yield say(note);
    const rewriter = own && new FamilyRewriter(family, own);
    for (;;) {
      const piece = await this.head();
      if (piece?.family !== family) break;
      this.at += 1;
      if (!fits || piece.samples.length === 0) continue;
      const lines = rewriter?.rewrite(piece.samples) ?? piece.samples;
      yield withReplicaLabel(lines, this.label);
    }
    if (rewriter !== undefined) yield withReplicaLabel(rewriter.rest(), this.label);
  }
}

/** For a server that does not sort. Its text is in memory for the time of one page. */
async function* inOrder(
  pieces: AsyncGenerator<readonly ExpositionPiece[]>,
): AsyncGenerator<readonly ExpositionPiece[]> {
  const families = new Map<string, ExpositionPiece[]>();
  for await (const batch of pieces) {
    for (const piece of batch) {
      const known = families.get(piece.family);
      // The first has the type that counts, and later comments would be its second ones.
      if (known === undefined) families.set(piece.family, [piece]);
      else known.push({ ...piece, comments: EMPTY });
    }
  }
  const names = [...families.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  for (const name of names) yield families.get(name) ?? [];
}
