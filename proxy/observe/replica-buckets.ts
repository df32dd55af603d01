import { BOUNDS_SECONDS } from './replica-ledger.ts';

const BUCKET = '_bucket ';

/**
 * How many of the door's watches each cumulative bucket of a replica's series holds. The door's
 * clock and the replica's differ by milliseconds, so a watch that ended about a bound may be found
 * one bucket beside; further away it is not the same watch.
 * @param values of the series, by `valueKey`
 * @param bins the watches, as the door has measured them; see `Misfiled`
 * @returns undefined when the watches cannot all be in there
 */
export function fitBuckets(
  values: ReadonlyMap<string, number>,
  bins: readonly number[],
): ReadonlyMap<string, number> | undefined {
  const buckets = [...values]
    .filter(([name]) => name.startsWith(BUCKET))
    .map(([name, count]) => ({ name, bound: boundOf(name), count }))
    .toSorted((a, b) => a.bound - b.bound);
  if (buckets.at(-1)?.bound !== Number.POSITIVE_INFINITY) return undefined;
  // A bound of another's making would cut through one of our bins.
  const known = ({ bound }: { bound: number }): boolean =>
    bound === Number.POSITIVE_INFINITY || BOUNDS_SECONDS.includes(bound);
  if (!buckets.every(known)) return undefined;
  const wanted = buckets.map(({ bound }, i) => {
    const from = buckets[i - 1]?.bound ?? Number.NEGATIVE_INFINITY;
    return bins.reduce((sum, count, bin) => (isBetween(bin, from, bound) ? sum + count : sum), 0);
  });
  const room = buckets.map(({ count }, i) => count - (buckets[i - 1]?.count ?? 0));
  const moved = placeIn(wanted, room);
  if (moved === undefined) return undefined;
  let sum = 0;
  return new Map(
    buckets.map(({ name }, i) => {
      sum += moved[i] ?? 0;
      return [name, sum];
    }),
  );
}

function boundOf(name: string): number {
  const text = name.slice(BUCKET.length);
  return text === '+Inf' ? Number.POSITIVE_INFINITY : Number(text);
}

function isBetween(bin: number, from: number, to: number): boolean {
  const bound = BOUNDS_SECONDS[bin] ?? Number.POSITIVE_INFINITY;
  return bound > from && bound <= to;
}

/** Puts what has no room into the bucket below, since the door measures a little more, or above. */
function placeIn(wanted: readonly number[], room: readonly number[]): number[] | undefined {
  const moved = wanted.map((count, i) => Math.min(count, room[i] ?? 0));
  for (const [i, count] of wanted.entries()) {
    let excess = count - Math.min(count, room[i] ?? 0);
    for (const beside of [i - 1, i + 1]) {
      const free = (room[beside] ?? 0) - (moved[beside] ?? 0);
      const shift = Math.min(excess, Math.max(0, free));
      if (shift > 0) moved[beside] = (moved[beside] ?? 0) + shift;
      excess -= shift;
    }
    if (excess > 0) return undefined;
  }
  return moved;
}
