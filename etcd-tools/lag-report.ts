// What the verdicts about revision lag come to for somebody who is about to stop a member.

/** One member's verdict. */
export interface LagVerdict {
  /** Undefined when it has not answered. */
  readonly memberId: bigint | undefined;
  readonly name: string;
  /** A word of the table of `lag`. */
  readonly state: string;
  /** One sentence that begins with the name, with the numbers. */
  readonly text: string;
}

export interface LagReport {
  readonly rounds: number;
  readonly verdicts: readonly LagVerdict[];
}

/** Two members proved to hold different data, or one lost what it had. */
export function isDiverged({ state }: LagVerdict): boolean {
  return /^(DIVERGED_|REV_REGRESSION$)/.test(state);
}

/** Nothing speaks against stopping another member. */
export function isCaughtUp({ state }: LagVerdict): boolean {
  return state === 'OK';
}
