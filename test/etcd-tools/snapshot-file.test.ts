import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SnapshotPart } from '../../etcd-tools/member-client.ts';
import { readSnapshotFile, saveSnapshot } from '../../etcd-tools/snapshot-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapshot-file-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const DATABASE = Buffer.alloc(4096, 'etcd');
const WHOLE = Buffer.concat([DATABASE, createHash('sha256').update(DATABASE).digest()]);

async function* inParts(
  whole: Buffer,
  sizes: readonly number[],
  fail?: Error,
): AsyncGenerator<SnapshotPart> {
  let at = 0;
  for (const size of sizes) {
    const bytes = whole.subarray(at, at + size);
    at += size;
    yield { bytes, remainingBytes: BigInt(whole.length - at), storageVersion: '' };
  }
  if (fail !== undefined) throw fail;
}

test.each([
  ['in one piece', [4128]],
  ['with the hash cut in two', [4110, 18]],
  ['with the hash as a piece of its own', [4096, 32]],
  ['in crumbs', [...Array.from({ length: 4128 }, () => 1)]],
])('a snapshot %s is written and verified', async (_name, sizes) => {
  const path = join(folder, 'a.db');
  const progress: bigint[] = [];
  const saved = await saveSnapshot({
    parts: inParts(WHOLE, sizes),
    path,
    onProgress: (received, remaining) => progress.push(received + remaining),
  });
  expect(saved).toEqual({
    sizeBytes: 4128n,
    sha256: createHash('sha256').update(DATABASE).digest('hex'),
  });
  expect(await readFile(path)).toEqual(WHOLE);
  expect(new Set(progress)).toEqual(new Set([4128n]));
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['a.db']);
  expect(await readSnapshotFile(path, Date.now())).toMatchObject({ path, sizeBytes: 4128n });
});

test('a stream with a flipped bit leaves nothing behind', async () => {
  const bad = Buffer.from(WHOLE);
  bad[100] = (bad[100] ?? 0) ^ 1;
  const saving = saveSnapshot({
    parts: inParts(bad, [4128]),
    path: join(folder, 'a.db'),
    onProgress: () => undefined,
  });
  await expect(saving).rejects.toThrow(/after 4128 bytes without the hash/);
  expect(await readdir(folder)).toEqual([]);
});

test.each([
  ['breaks', [1000], new Error('cut')],
  ['ends early', [4096], undefined],
  ['is empty', [], undefined],
])(
  'a stream that %s leaves nothing behind, and the old file as it was',
  async (_name, sizes, fail) => {
    const path = join(folder, 'a.db');
    await writeFile(path, 'older');
    const parts = inParts(WHOLE, sizes, fail);
    await expect(saveSnapshot({ parts, path, onProgress: () => undefined })).rejects.toThrow(
      fail?.message ?? /without the hash/,
    );
    expect(await readdir(folder)).toEqual(['a.db']);
    expect(await readFile(path, 'utf8')).toBe('older');
  },
);

test('what another run is writing is not touched', async () => {
  const partial = join(folder, 'a.db.part');
  await writeFile(partial, 'theirs');
  const saving = saveSnapshot({
    parts: inParts(WHOLE, [4128]),
    path: join(folder, 'a.db'),
    onProgress: () => undefined,
  });
  await expect(saving).rejects.toMatchObject({ code: 'EEXIST' });
  expect(await readFile(partial, 'utf8')).toBe('theirs');
});

test.each([
  ['of another length', WHOLE.subarray(0, 4100), /no whole snapshot, by its size of 4100/],
  ['with a flipped bit', Buffer.concat([Buffer.from('x'), WHOLE.subarray(1)]), /not what its hash/],
])('a file %s is no snapshot to go back to', async (_name, content, problem) => {
  const path = join(folder, 'a.db');
  await writeFile(path, content);
  expect((await readSnapshotFile(path, Date.now())).problem).toMatch(problem);
});

test('a file that is not there says so, and of one that is its age is told', async () => {
  const path = join(folder, 'a.db');
  expect((await readSnapshotFile(path, Date.now())).problem).toMatch(/cannot be read/);
  await writeFile(path, WHOLE);
  const found = await readSnapshotFile(path, Date.now() + 60_000);
  expect(found.problem).toBeUndefined();
  expect(found.ageMs).toBeGreaterThan(59_000);
});
