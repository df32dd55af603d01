import type { WatchFrame } from './watch-frame.ts';

/**
 * Tells which frames a client gets, when the door has asked for bookmarks that the client may not
 * expect. Clients that did not set allowWatchBookmarks get none, not even the one that ends the
 * initial events: the apiserver accepts sendInitialEvents without allowWatchBookmarks and then
 * sends no bookmark (apiserver pkg/storage/cacher/cacher.go isListWatchRequest). One for each client.
 */
export class BookmarkFilter {
  readonly #wanted: boolean;
  #forwards = true;

  /** @param wanted the client's own allowWatchBookmarks. */
  constructor(wanted: boolean) {
    this.#wanted = wanted;
  }

  /** To be asked once for every frame, in order. */
  forwards(frame: WatchFrame): boolean {
    // White space goes where its event has gone: an empty line is an error to some clients.
    if (frame.type !== 'BLANK') this.#forwards = this.#wanted || frame.type !== 'BOOKMARK';
    return this.#forwards;
  }
}
