/**
 * How many watches each place may be given now: so many a second, and after a quiet time a tenth
 * of a second's share at once.
 */
export class Pace<Place> {
  private readonly perSecond: number;
  private readonly burst: number;
  private readonly allowances = new Map<Place, number>();
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
    return (this.allowances.get(place) ?? this.burst) >= 1;
  }

  take(place: Place): void {
    this.allowances.set(place, (this.allowances.get(place) ?? this.burst) - 1);
  }
}
