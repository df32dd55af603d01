// Math.min and Math.max know no bigints. Pure.

/** 0 of nothing. */
export function smallest(values: readonly bigint[]): bigint {
  return values.toSorted(ascending)[0] ?? 0n;
}

/** 0 of nothing. */
export function largest(values: readonly bigint[]): bigint {
  return values.toSorted(ascending).at(-1) ?? 0n;
}

function ascending(a: bigint, b: bigint): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
