// What k6 itself says that a script will do: no second table of rates that could differ.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

interface ArrivalRate {
  readonly rate: number;
  readonly timeUnit: string;
  readonly duration: string;
}

const SECONDS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 };

export interface Expected {
  readonly iterations: number;
  /** Scenarios, each with an end at which an iteration may fall to either side. */
  readonly ends: number;
}

/** Of all scenarios of a script, from `k6 inspect`. */
export async function expectedIterations(
  command: string,
  script: string,
  environment: Readonly<Record<string, string>>,
): Promise<Expected> {
  const args = ['inspect', '--include-system-env-vars', script];
  const { stdout } = await promisify(execFile)(command, args, { env: environment });
  const { scenarios } = JSON.parse(stdout) as {
    readonly scenarios: Readonly<Record<string, ArrivalRate>>;
  };
  const flows = Object.values(scenarios);
  let sum = 0;
  for (const { rate, timeUnit, duration } of flows) {
    sum += (rate * goSeconds(duration)) / goSeconds(timeUnit);
  }
  return { iterations: Math.round(sum), ends: flows.length };
}

/** Of Go's `time.Duration.String`, such as `1h10m0s`. */
export function goSeconds(text: string): number {
  const parts = [...text.matchAll(/([\d.]+)(ms|h|m|s)/g)];
  return parts.reduce((sum, [, n = '', unit = '']) => sum + Number(n) * (SECONDS[unit] ?? 0), 0);
}
