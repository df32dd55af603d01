// What the demo knows at one moment; table.ts and verdict.ts turn it into text.
import type { FleetFigures } from './fleet.ts';
import type { ReplicaLoad, Side } from './phase-figures.ts';

/** In this order; `down` is while one replica is killed. */
export const PHASES = ['before', 'down', 'after'] as const;
export type Phase = (typeof PHASES)[number];

export interface DemoReport {
  readonly kind: 'simulated' | 'real';
  readonly phase: Phase;
  readonly finished: boolean;
  readonly elapsedSeconds: number;
  readonly totalSeconds: number;
  /** Until the next phase, or the end. */
  readonly phaseSecondsLeft: number;
  readonly replicaNames: readonly string[];
  /** The replica that is killed and started again. */
  readonly victim: string;
  /** Load at the end of each phase, or now; phases to come are missing. */
  readonly loads: Readonly<Partial<Record<Phase, readonly ReplicaLoad[]>>>;
  readonly clients: Readonly<Record<Side, FleetFigures>>;
}
