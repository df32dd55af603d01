/**
 * As Prometheus' histogram_quantile: even within a bucket, and not above the last bound.
 * @param counts of each bucket alone; one more than bounds
 * @returns undefined when nothing has been counted
 */
export function quantile(
  part: number,
  counts: ArrayLike<number>,
  bounds: readonly number[],
): number | undefined {
  let total = 0;
  for (let i = 0; i <= bounds.length; i += 1) total += counts[i] ?? 0;
  if (total === 0) return undefined;
  let rank = part * total;
  for (const [i, bound] of bounds.entries()) {
    const count = counts[i] ?? 0;
    const lower = bounds[i - 1] ?? 0;
    if (count > 0 && rank <= count) return lower + (bound - lower) * (rank / count);
    rank -= count;
  }
  return bounds.at(-1);
}
