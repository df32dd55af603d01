// Durations as Go and Kubernetes write them ("1h30m", "250ms"), because that is what the people who
// write our configuration have in their fingers.

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

const PART = /(\d+(?:\.\d+)?)(ms|s|m|h)/gy;

/**
 * Reads "1s", "250ms", "5m", "1h30m", "1.5s" or "0" as milliseconds. Returns undefined for anything
 * else, also for a bare number: "timeout: 30" is where a reader and a program disagree on the unit.
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  let totalMs = 0;
  let end = 0;
  for (const match of text.matchAll(PART)) {
    totalMs += Number(match[1]) * (UNIT_MS.get(match[2] ?? '') ?? Number.NaN);
    end = match.index + match[0].length;
  }
  // The pattern is sticky, so the matches are without gaps: reaching the end means all was read.
  if (end === 0 || end !== text.length || !Number.isSafeInteger(Math.round(totalMs))) {
    return undefined;
  }
  return Math.round(totalMs);
}

/** Writes milliseconds in the largest units that lose nothing: 90_000 is "1m30s". */
export function formatDuration(ms: number): string {
  let left = Math.round(ms);
  if (left < 0) return `-${formatDuration(-left)}`;
  if (left === 0) return '0s';
  let text = '';
  for (const [unit, unitMs] of [...UNIT_MS].reverse()) {
    const count = Math.floor(left / unitMs);
    left -= count * unitMs;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}
