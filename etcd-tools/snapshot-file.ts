// A snapshot on disk: written whole or not at all, and held against its own hash. Etcd ends the
// stream with the SHA-256 of what came before; etcdctl and etcdutl keep it in the file.
import { createHash, type Hash, timingSafeEqual } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SnapshotPart } from './member-client.ts';

const DIGEST_BYTES = 32;
// A database is whole pages, so the hash shows in the size (hasChecksum in etcd's
// etcdutl/snapshot/v3_snapshot.go).
const PAGE_BYTES = 512n;

/** What a file turned out to be. */
export interface SnapshotFile {
  readonly path: string;
  readonly sizeBytes: bigint;
  readonly ageMs: number;
  /** Why it is no snapshot to go back to. */
  readonly problem?: string;
}

export interface SavedSnapshot {
  /** Of the file, with the hash. */
  readonly sizeBytes: bigint;
  /** Hexadecimal, of the database without the hash itself. */
  readonly sha256: string;
}

export interface SaveOptions {
  readonly parts: AsyncIterable<SnapshotPart>;
  readonly path: string;
  /** Called with what has come and what is still to come. */
  readonly onProgress: (receivedBytes: bigint, remainingBytes: bigint) => void;
}

/** Hashes all but the last 32 bytes of what it is given, which are the hash. */
class TrailingDigest {
  readonly #hash: Hash = createHash('sha256');
  #tail = Buffer.alloc(0);

  update(bytes: Uint8Array): void {
    const all = Buffer.concat([this.#tail, bytes]);
    const kept = Math.min(all.length, DIGEST_BYTES);
    this.#hash.update(all.subarray(0, all.length - kept));
    this.#tail = Buffer.from(all.subarray(all.length - kept));
  }

  /** Hexadecimal; undefined when it is not what the last 32 bytes say. */
  digest(): string | undefined {
    const found = this.#hash.digest();
    const good = this.#tail.length === DIGEST_BYTES && timingSafeEqual(found, this.#tail);
    return good ? found.toString('hex') : undefined;
  }
}

/** The name under which a snapshot is written until it is whole. */
export function partialPath(path: string): string {
  return `${path}.part`;
}

/**
 * Writes to a file beside `path`, and gives it its name when all has come, the hash is right and the
 * disk has it. Whatever happens before, nothing is left behind. Rejects when the partial file exists.
 */
export async function saveSnapshot({
  parts,
  path,
  onProgress,
}: SaveOptions): Promise<SavedSnapshot> {
  const partial = partialPath(path);
  // Keys may be secrets: for the owner alone.
  const file = await open(partial, 'wx', 0o600);
  try {
    const saved = await writeParts(file, parts, onProgress);
    await file.sync();
    await file.close();
    await rename(partial, path);
    await syncFolder(dirname(path));
    return saved;
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(partial, { force: true });
    throw error;
  }
}

async function writeParts(
  file: FileHandle,
  parts: AsyncIterable<SnapshotPart>,
  onProgress: SaveOptions['onProgress'],
): Promise<SavedSnapshot> {
  const digest = new TrailingDigest();
  let received = 0n;
  let remaining: bigint | undefined;
  for await (const { bytes, remainingBytes } of parts) {
    await file.appendFile(bytes);
    digest.update(bytes);
    received += BigInt(bytes.length);
    remaining = remainingBytes;
    onProgress(received, remainingBytes);
  }
  const sha256 = digest.digest();
  if (sha256 === undefined || remaining === undefined) {
    throw new Error(`the stream ended after ${received} bytes without the hash of what had come`);
  }
  return { sizeBytes: received, sha256 };
}

/** The new name itself must outlive a power loss. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Reads the whole file. `nowMs` is held against the time of its last change. */
export async function readSnapshotFile(path: string, nowMs: number): Promise<SnapshotFile> {
  try {
    const { size, mtimeMs } = await stat(path, { bigint: false });
    const found = { path, sizeBytes: BigInt(size), ageMs: Math.max(0, nowMs - mtimeMs) };
    if (found.sizeBytes % PAGE_BYTES !== BigInt(DIGEST_BYTES)) {
      return { ...found, problem: `${path}: is no whole snapshot, by its size of ${size} bytes` };
    }
    const digest = new TrailingDigest();
    for await (const bytes of createReadStream(path)) digest.update(bytes as Buffer);
    if (digest.digest() !== undefined) return found;
    return { ...found, problem: `${path}: its content is not what its hash says` };
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    return { path, sizeBytes: 0n, ageMs: 0, problem: `${path}: cannot be read: ${what}` };
  }
}
