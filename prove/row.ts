// One line of a scenario's table: what was looked at, how good it has to be, and how good it was.

/** `measured` has no floor yet; everything but `pass` and `measured` leaves a scenario unproven. */
export type Verdict = 'pass' | 'SHORT' | 'not run' | 'measured';

export interface Row {
  readonly what: string;
  readonly floor: string;
  readonly figure: string;
  readonly verdict: Verdict;
}

/** A number with the noun that it counts: `150 requests`. A unit may be empty. */
export interface Quantity {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

export function atLeast({ what, value, unit }: Quantity, floor: number): Row {
  return {
    what,
    floor: `>= ${withUnit(floor, unit)}`,
    figure: withUnit(value, unit),
    verdict: verdict(value >= floor),
  };
}

export function atMost({ what, value, unit }: Quantity, floor: number): Row {
  return {
    what,
    floor: `<= ${withUnit(floor, unit)}`,
    figure: withUnit(value, unit),
    verdict: verdict(value <= floor),
  };
}

/** A condition that has no number of its own. */
export function holds(what: string, floor: string, figure: string, good: boolean): Row {
  return { what, floor, figure, verdict: verdict(good) };
}

/** Printed for the reader; nothing hangs on it. */
export function measured({ what, value, unit }: Quantity): Row {
  return { what, floor: '', figure: withUnit(value, unit), verdict: 'measured' };
}

/** The figure says why. What was not run was not proven, so it counts as short. */
export function notRun(what: string, floor: string, reason: string): Row {
  return { what, floor, figure: reason, verdict: 'not run' };
}

export function isProven(rows: readonly Row[]): boolean {
  const good = rows.filter(({ verdict }) => verdict === 'pass' || verdict === 'measured');
  return good.length === rows.length && rows.some(({ verdict }) => verdict === 'pass');
}

function verdict(good: boolean): Verdict {
  return good ? 'pass' : 'SHORT';
}

function withUnit(value: number, unit: string): string {
  const digits = Number.isInteger(value) ? `${value}` : value.toFixed(1);
  return unit === '' ? digits : `${digits} ${unit}`;
}
