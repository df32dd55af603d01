// Scenarios of the open model: requests are started at a rate whatever the server does, so that a
// slow server cannot slow down what it is measured with.
import exec from 'k6/execution';
import type { Options, Scenario } from 'k6/options';
import { MEASURE_SECONDS, STALL_SECONDS, tlsOptions, WARMUP_SECONDS } from './target.ts';

export interface Flow {
  /** The exported function of the suite that one iteration calls. */
  readonly exec: string;
  readonly perSecond: number;
  /** As many as can be busy at a time; k6 counts an iteration as dropped when all are. */
  readonly vus: number;
  /** Iterations need nothing of the one before on the same virtual user: there may be more of them. */
  readonly independent?: boolean;
}

// 5 MB each, at the most that k6's own documents say of a virtual user.
const MAX_WAITING = 500;
// k6 takes whole numbers only: a rate is given for so long, which a suite's slowest rate needs.
const RATE_UNIT_SECONDS = 600;

/** Options of a suite. Warm-up and measurement are one scenario, so that connections are kept. */
export function flowOptions(flows: readonly Flow[]): Options {
  const scenarios: Record<string, Scenario> = {};
  for (const { exec: name, perSecond, vus, independent = false } of flows) {
    const waiting = independent ? Math.min(MAX_WAITING, Math.ceil(perSecond * STALL_SECONDS)) : 0;
    scenarios[name] = {
      executor: 'constant-arrival-rate',
      exec: name,
      rate: Math.max(1, Math.round(perSecond * RATE_UNIT_SECONDS)),
      timeUnit: `${RATE_UNIT_SECONDS}s`,
      duration: `${WARMUP_SECONDS + MEASURE_SECONDS}s`,
      preAllocatedVUs: Math.max(vus, waiting),
    };
  }
  return {
    scenarios,
    ...tlsOptions(),
    setupTimeout: '5m',
    teardownTimeout: '5m',
    // Only what is read: every tag of a sample is written out with it.
    systemTags: ['status', 'error_code', 'scenario'],
  };
}

/** Marks what this iteration sends as warm-up or measurement, by when the iteration began. */
export function markPhase(): void {
  const seconds = (Date.now() - exec.scenario.startTime) / 1000;
  exec.vu.metrics.tags.phase = seconds < WARMUP_SECONDS ? 'warmup' : 'measure';
}
