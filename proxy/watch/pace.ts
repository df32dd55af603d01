/** What an endpoint may have been asked for and not answered yet. */
const MAX_UNANSWERED = 32;

/**
 * How many watches each place may be given now: so many a second, and after a quiet time a tenth
 * of a second's share at once; but never more than a few that it has not answered. So a place that
 * is slow, such as one that has just started, gets fewer, and those that answer get more.
 */
export class Pace<Place> {
  private readonly perSecond: number;
  private readonly burst: number;
  private readonly allowances = new Map<Place, number>();
  private readonly unanswered = new Map<Place, number>();
  private refilledAtMs = 0;

  constructor(perSecond: number) {
    this.perSecond = perSecond;
    this.burst = Math.max(1, perSecond / 10);
  }

  refill(nowMs: number): void {
    const earned = ((nowMs - this.refilledAtMs) / 1000) * this.perSecond;
    this.refilledAtMs = nowMs;
    for (const [place, before] of this.allowances) {
      this.allowances.set(place, Math.min(this.burst, before + earned));
    }
  }

  allows(place: Place): boolean {
    const allowance = this.allowances.get(place) ?? this.burst;
    return allowance >= 1 && (this.unanswered.get(place) ?? 0) < MAX_UNANSWERED;
  }

  take(place: Place): void {
    this.allowances.set(place, (this.allowances.get(place) ?? this.burst) - 1);
  }

  /** The place is gone. */
  forget(place: Place): void {
    this.allowances.delete(place);
    this.unanswered.delete(place);
  }

  /** The place is asked, whoever has taken the turn for it. */
  asked(place: Place): void {
    this.unanswered.set(place, (this.unanswered.get(place) ?? 0) + 1);
  }

  answered(place: Place): void {
    this.unanswered.set(place, (this.unanswered.get(place) ?? 0) - 1);
  }
}
