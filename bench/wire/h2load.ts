// Reads what h2load writes. Pure.

/** What h2load says at its end. */
export interface H2loadSummary {
  readonly succeeded: number;
  /** Answers other than 2xx and 3xx, lost ones and late ones. */
  readonly failed: number;
  /** Of all answers together, without their headers. */
  readonly bodyBytes: number;
}

/** Throws when it is not the output of an h2load that came to its end. */
export function parseH2loadSummary(output: string): H2loadSummary {
  const requests =
    /(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(output)?.map(Number) ?? [];
  const bodyBytes = /traffic: .*\((\d+)\) data/.exec(output)?.[1];
  const [, succeeded, failed = 0, errored = 0, late = 0] = requests;
  if (succeeded === undefined || bodyBytes === undefined) {
    throw new Error(`h2load: no result in: ${output.slice(-500)}`);
  }
  return { succeeded, failed: failed + errored + late, bodyBytes: Number(bodyBytes) };
}

export interface H2loadRecords {
  /** Of right answers that ended in the stretch of time asked for. */
  readonly latenciesMs: readonly number[];
  /** Other answers in it. */
  readonly wrong: number;
}

/**
 * Reads the text of --log-file: a line for each request, with its start in microseconds since 1970,
 * its status (-1 when it failed), and the microseconds until the end of its answer.
 */
export function parseH2load(
  records: string,
  fromMicros: number,
  untilMicros: number,
): H2loadRecords {
  const latenciesMs: number[] = [];
  let wrong = 0;
  for (const record of records.split('\n')) {
    const [start = Number.NaN, status, micros = Number.NaN] = record.split('\t').map(Number);
    const end = start + micros;
    // Also false for the empty line at the end.
    if (!(end >= fromMicros && end < untilMicros)) continue;
    if (status === 200) latenciesMs.push(micros / 1000);
    else wrong += 1;
  }
  return { latenciesMs, wrong };
}
