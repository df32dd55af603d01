import { type Series, strideOf } from './series-table.ts';

/** Labels that hold the name of an endpoint. */
const ENDPOINT_LABELS = new Set(['endpoint', 'from', 'to']);

/**
 * The series without those of endpoints that are gone, which would be shown for as long as the door
 * runs. What was counted is kept: under the same name an endpoint goes on from there, so that no
 * counter ever goes back.
 */
export function presentSeries(all: readonly Series[], gone: ReadonlySet<string>): Series[] {
  return all.map((series) => {
    const { family, rows, values } = series;
    const labels = [...family.labelNames.keys()].filter((index) =>
      ENDPOINT_LABELS.has(family.labelNames[index] ?? ''),
    );
    const isShown = (row: readonly string[]): boolean =>
      !labels.some((index) => gone.has(row[index] ?? ''));
    if (labels.length === 0 || rows.every(isShown)) return series;
    const stride = strideOf(family);
    const shown = [...rows.keys()].filter((index) => isShown(rows[index] ?? []));
    return {
      family,
      rows: shown.map((index) => rows[index] ?? []),
      values: shown.flatMap((index) =>
        Array.from({ length: stride }, (_, i) => values[index * stride + i] ?? 0),
      ),
    };
  });
}
