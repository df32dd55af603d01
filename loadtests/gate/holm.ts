/**
 * Holm's step-down correction (Scandinavian Journal of Statistics 6, 1979): the chance that any of
 * the tests alarms falsely stays below the level, however they depend on each other. In the order
 * of `ps`, as R's p.adjust gives them.
 */
export function adjustHolm(ps: readonly number[]): number[] {
  const order = ps.map((_, index) => index).sort((a, b) => (ps[a] ?? 1) - (ps[b] ?? 1));
  const adjusted = ps.map(() => 1);
  let highest = 0;
  for (const [rank, index] of order.entries()) {
    highest = Math.max(highest, Math.min(1, (ps[index] ?? 1) * (ps.length - rank)));
    adjusted[index] = highest;
  }
  return adjusted;
}
