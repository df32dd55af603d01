import type { WatchFrame } from '../kube/watch-frame.ts';

/**
 * While a watch moves, its old endpoint goes on serving it, so that the client has no silence. What
 * the old one passes on meanwhile comes again from the new one, which was opened from before it,
 * and is left out there. All endpoints send the same events in the same order, so versions need
 * only be compared for being equal.
 */
export class Overlap {
  private readonly versions = new Set<string>();
  /** An event without a version was passed on: it could not be told from the next one. */
  private broken = false;

  /** The old endpoint's frame has been passed on. */
  passedOn({ type, resourceVersion }: WatchFrame): void {
    // Each endpoint has bookmarks of its own.
    if (type === 'BOOKMARK' || type === 'BLANK') return;
    if (resourceVersion === undefined) this.broken = true;
    else this.versions.add(resourceVersion);
  }

  /** The new endpoint is as far as the client is. */
  get isOver(): boolean {
    return this.versions.size === 0 && !this.broken;
  }

  /** What to do with a frame of the new endpoint; `refuse`: it sends something else than the old. */
  judge({ type, resourceVersion }: WatchFrame): 'skip' | 'pass' | 'refuse' {
    // A bookmark of an endpoint that is behind would take the client back.
    if (type === 'BOOKMARK' || type === 'BLANK') return 'skip';
    if (resourceVersion !== undefined && this.versions.delete(resourceVersion)) return 'skip';
    return this.isOver && type !== 'ERROR' ? 'pass' : 'refuse';
  }
}
