// From where a watch may go on at another replica, if at all.
import type { WatchFrame } from './watch-frame.ts';
import type { WatchRequest } from './watch-query.ts';

/** ParseResourceVersion of k8s.io/apiserver pkg/storage reads "" and any zero as "no version". */
const NO_VERSION = /^0*$/;

/**
 * The version of the last event that the client has seen, where a plain watch from it brings
 * exactly what is missing. Versions are opaque: the last one counts, none is ever compared.
 *
 * - A watch from a version may go on from that version and from each event.
 * - A watch from none, or from "0", begins with ADDED for what exists, in no order. Any other event
 *   says that these are over (apiserver pkg/storage/cacher/cache_watcher.go processInterval). Since
 *   1.34 a bookmark does so at once, if bookmarks were asked for: such a watch is taken for one
 *   with sendInitialEvents (apimachinery pkg/apis/meta/internalversion/defaults.go).
 * - A watch with sendInitialEvents is owed the bookmark that ends the initial events, which a plain
 *   watch would never send: until then nobody can go on.
 * - An event whose version cannot be read leaves the client at an unknown version until the next.
 */
export class ResumePoint {
  #version: string | undefined;
  /** Whether an ADDED says something about all events before it. */
  #ordered: boolean;
  #awaitsInitialEnd: boolean;
  #failed = false;

  constructor(request: WatchRequest) {
    this.#awaitsInitialEnd = request.sendInitialEvents === true;
    // With sendInitialEvents=false there are no initial events, but an apiserver before 1.27 does
    // not know the parameter and sends them.
    this.#ordered = !this.#awaitsInitialEnd && !NO_VERSION.test(request.resourceVersion);
    this.#version = this.#ordered ? request.resourceVersion : undefined;
  }

  /** Undefined when the watch cannot go on from here. */
  get resourceVersion(): string | undefined {
    return this.#version;
  }

  /** To be called for every frame in order, once it is certain that the client will get it. */
  advance(frame: WatchFrame): void {
    if (frame.type === 'BLANK' || this.#failed) return;
    if (frame.type === 'ERROR') {
      // It is the watch's last word, and the client acts on it.
      this.#failed = true;
      this.#version = undefined;
      return;
    }
    if (this.#awaitsInitialEnd && !frame.initialEventsEnd) return;
    this.#awaitsInitialEnd = false;
    if (frame.type === 'UNKNOWN') {
      this.#version = undefined;
      return;
    }
    if (frame.type !== 'ADDED') this.#ordered = true;
    if (this.#ordered) this.#version = frame.resourceVersion;
  }
}
