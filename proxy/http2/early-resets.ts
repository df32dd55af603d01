/** As long as an apiserver works on a request at most (--request-timeout). */
const FORGET_MS = 60_000;

/**
 * Requests that we have reset before they were answered. The server may not have begun with them:
 * Go's works on as many as it allows streams, keeps further ones in a queue, and once that holds
 * four times as many it takes them for an attack and ends the connection, with all that others have
 * on it (golang.org/x/net/http2 server.go, scheduleHandler). The queue is worked off in order, so an
 * answer says that nothing older is in it.
 *
 * Only two numbers are kept, so a few count for longer than they must.
 */
export class EarlyResets {
  private readonly nowMs: () => number;
  /** Resets of streams up to `mark`, and of those behind it. */
  private older = 0;
  private newer = 0;
  private mark = 0;
  private markedAtMs = 0;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  /** @param newestId the newest stream of the connection */
  add(streamId: number, newestId: number): void {
    if (this.older + this.newer === 0) this.setMark(newestId);
    if (streamId > this.mark) this.newer += 1;
    else this.older += 1;
  }

  /** The server has answered a request. */
  answered(streamId: number, newestId: number): void {
    if (this.older + this.newer === 0 || streamId <= this.mark) return;
    this.advance(newestId);
  }

  /** Those that may still be in the server's queue. */
  count(newestId: number): number {
    if (this.older + this.newer === 0) return 0;
    // Whatever has become of them, they are not worked on any more.
    if (this.nowMs() - this.markedAtMs > FORGET_MS) this.advance(newestId);
    return this.older + this.newer;
  }

  private advance(newestId: number): void {
    this.older = this.newer;
    this.newer = 0;
    this.setMark(newestId);
  }

  private setMark(newestId: number): void {
    this.mark = newestId;
    this.markedAtMs = this.nowMs();
  }
}
