// Tables for terminals, as wide as their content.

/** Which side of its column a cell is put on. */
export type Alignment = 'left' | 'right';

export interface TableColumn {
  readonly title: string;
  /** Numbers are easier to compare on the right. Left by default. */
  readonly align?: Alignment;
}

const GAP = '  ';

/** Lines of a table: the titles, a rule, one line for each row. Missing cells stay empty. */
export function formatTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align = 'left' }, index) => {
        const cell = cells[index] ?? '';
        const width = widths[index] ?? 0;
        return align === 'right' ? cell.padStart(width) : cell.padEnd(width);
      })
      .join(GAP)
      .trimEnd();
  return [
    line(columns.map(({ title }) => title)),
    widths.map((width) => '-'.repeat(width)).join(GAP),
    ...rows.map(line),
  ];
}
