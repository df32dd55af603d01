// Sizes as etcd's users write them. Pure.

const UNIT_BYTES: ReadonlyMap<string, bigint> = new Map([
  ['B', 1n],
  ['KiB', 1024n],
  ['MiB', 1024n ** 2n],
  ['GiB', 1024n ** 3n],
]);

/** Reads `8GiB`, `512MiB` or `1048576B`; undefined for anything else, also for a bare number. */
export function parseSize(text: string): bigint | undefined {
  const [, count, unit] = /^(\d{1,12})(B|KiB|MiB|GiB)$/.exec(text) ?? [];
  const unitBytes = UNIT_BYTES.get(unit ?? '');
  return count === undefined || unitBytes === undefined ? undefined : BigInt(count) * unitBytes;
}
