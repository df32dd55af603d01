import type { Endpoint } from '../upstream/endpoint.ts';

/** What one watch has learned about the endpoints that it could go on at. */
export class WatchSearch {
  /** Those that could not be asked, or failed: they may be asked again after a while. */
  private failed: Endpoint[] = [];
  /** Those that will not serve the watch from its present version on, whenever they are asked. */
  private refused: Endpoint[] = [];
  /** Those of `failed` that were asked: not the one that has lost the watch. */
  private inVain: Endpoint[] = [];
  private sinceMs: number;
  /** Whether it was more than the pace that has held the watch back. */
  asked = false;

  constructor(nowMs: number) {
    this.sinceMs = nowMs;
  }

  /** The watch has lost a place where it was well: what failed long ago says nothing now. */
  begin(nowMs: number): void {
    this.failed = [];
    this.inVain = [];
    this.asked = false;
    this.sinceMs = nowMs;
  }

  /** Another version is a new question to those that said no. */
  versionChanged(): void {
    if (this.refused.length > 0) this.refused = [];
  }

  /** The watch was there, and is not any more. */
  lostAt(endpoint: Endpoint): void {
    if (!this.failed.includes(endpoint)) this.failed.push(endpoint);
  }

  failedAt(endpoint: Endpoint): void {
    this.lostAt(endpoint);
    if (!this.inVain.includes(endpoint)) this.inVain.push(endpoint);
  }

  hasFailed(endpoint: Endpoint): boolean {
    return this.inVain.includes(endpoint);
  }

  refusedBy(endpoint: Endpoint): void {
    if (!this.refused.includes(endpoint)) this.refused.push(endpoint);
  }

  /** Endpoints that failed may be asked again; those that said no may not. */
  forgetFailures(): void {
    this.failed = [];
  }

  mayAsk(endpoint: Endpoint): boolean {
    return !this.refused.includes(endpoint) && !this.failed.includes(endpoint);
  }

  hasRefused(endpoint: Endpoint): boolean {
    return this.refused.includes(endpoint);
  }

  waitedMs(nowMs: number): number {
    return nowMs - this.sinceMs;
  }
}
