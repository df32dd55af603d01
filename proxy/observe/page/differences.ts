import { type Series, strideOf } from '../series-table.ts';

/** What has been added to a table of numbers since it was last looked at. */
export class Differences {
  private readonly table: Series;
  private readonly delta: Float64Array;
  private past = new Float64Array(0);

  /** What is in the table already counts as seen. */
  constructor(table: Series) {
    this.table = table;
    this.delta = new Float64Array(strideOf(table.family));
    this.take(() => {});
  }

  /** @param tell of each row that has changed; the array is the same each time */
  take(tell: (labels: readonly string[], delta: Float64Array) => void): void {
    const { table, delta } = this;
    const { rows, values } = table;
    if (this.past.length < values.length) this.grow(values.length);
    for (const [row, labels] of rows.entries()) {
      if (this.read(row * delta.length)) tell(labels, delta);
    }
  }

  /** @returns whether anything has changed */
  private read(from: number): boolean {
    const { delta, past } = this;
    const { values } = this.table;
    let changed = false;
    for (let i = 0; i < delta.length; i += 1) {
      const now = values[from + i] ?? 0;
      const added = now - (past[from + i] ?? 0);
      delta[i] = added;
      if (added === 0) continue;
      past[from + i] = now;
      changed = true;
    }
    return changed;
  }

  private grow(length: number): void {
    const grown = new Float64Array(length);
    grown.set(this.past);
    this.past = grown;
  }
}
