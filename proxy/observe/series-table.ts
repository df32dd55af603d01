// The numbers of one metric family in one typed array. prom-client hashes all label values at each
// observation, about a microsecond; here a series is looked up once and then is a number.

export type FamilyType = 'counter' | 'gauge' | 'histogram';

/** What a family is called and what it holds; the same in all processes. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: FamilyType;
  readonly labelNames: readonly string[];
  /** Of a histogram: upper bounds, ascending, without +Inf. */
  readonly bounds?: readonly number[];
  /** How the values of several processes become one; without it they are added up. */
  readonly merge?: 'max';
}

/** One family as it is shown. */
export interface Series {
  readonly family: Family;
  /** Label values, in the order of the family's label names. */
  readonly rows: readonly (readonly string[])[];
  /**
   * `strideOf(family)` numbers for each row: the value, or of a histogram what fell into each
   * bucket alone (the last is that of +Inf), and the sum.
   */
  readonly values: ArrayLike<number>;
}

const FIRST_ROWS = 4;

/** Numbers that a row of the family takes. */
export function strideOf({ bounds }: Family): number {
  return bounds === undefined ? 1 : bounds.length + 2;
}

/** A family that is counted in. A row is known by its offset, which never changes. */
export class SeriesTable implements Series {
  readonly family: Family;
  readonly rows: (readonly string[])[] = [];
  values: Float64Array;
  /** What `values` will be, while it is counted anew. */
  private recount: Float64Array;
  private readonly stride: number;
  private readonly bounds: Float64Array;
  private readonly offsets = new Map<string, number>();

  constructor(family: Family) {
    this.family = family;
    this.stride = strideOf(family);
    this.bounds = Float64Array.from(family.bounds ?? []);
    this.values = new Float64Array(FIRST_ROWS * this.stride);
    this.recount = new Float64Array(FIRST_ROWS * this.stride);
  }

  /** The offset of the row with these label values, which is made if there is none. */
  row(labels: readonly string[]): number {
    // No label value holds a zero byte: names are checked, and words are ours.
    const key = labels.join('\0');
    const known = this.offsets.get(key);
    if (known !== undefined) return known;
    const offset = this.rows.length * this.stride;
    if (offset + this.stride > this.values.length) {
      this.values = doubled(this.values);
      this.recount = doubled(this.recount);
    }
    this.offsets.set(key, offset);
    this.rows.push(labels);
    return offset;
  }

  add(offset: number, amount: number): void {
    this.values[offset] = (this.values[offset] ?? 0) + amount;
  }

  set(offset: number, value: number): void {
    this.values[offset] = value;
  }

  get(offset: number): number {
    return this.values[offset] ?? 0;
  }

  /** One observation of a histogram. */
  observe(offset: number, value: number): void {
    const { bounds, values } = this;
    const count = bounds.length;
    // From below: nearly all that is observed falls into the first few buckets.
    let at = 0;
    while (at < count && value > (bounds[at] ?? 0)) at += 1;
    values[offset + at] = (values[offset + at] ?? 0) + 1;
    values[offset + count + 1] = (values[offset + count + 1] ?? 0) + value;
  }

  /** Begins to count anew what there is now; until `commit` the last count is shown. */
  begin(): void {
    this.recount = new Float64Array(this.values.length);
  }

  addNow(offset: number, amount: number): void {
    this.recount[offset] = (this.recount[offset] ?? 0) + amount;
  }

  commit(): void {
    this.values = this.recount;
  }
}

function doubled(values: Float64Array): Float64Array {
  const grown = new Float64Array(2 * values.length);
  grown.set(values);
  return grown;
}

/** As plain data, for another process. */
export function copySeries({ family, rows, values }: Series): Series {
  const used = rows.length * strideOf(family);
  return {
    family,
    rows: [...rows],
    values: Array.from({ length: used }, (_, i) => values[i] ?? 0),
  };
}

/** What several processes have counted, family by family, as if one had counted it. */
export function mergeSeries(processes: readonly (readonly Series[])[]): SeriesTable[] {
  const merged = new Map<string, SeriesTable>();
  for (const { family, rows, values } of processes.flat()) {
    const table = merged.get(family.name) ?? new SeriesTable(family);
    merged.set(family.name, table);
    const stride = strideOf(family);
    for (const [index, labels] of rows.entries()) {
      const offset = table.row(labels);
      for (let i = 0; i < stride; i += 1) {
        const value = values[index * stride + i] ?? 0;
        if (family.merge === 'max') table.set(offset + i, Math.max(table.get(offset + i), value));
        else table.add(offset + i, value);
      }
    }
  }
  return [...merged.values()];
}
