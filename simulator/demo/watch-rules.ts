// What an informer does when a watch ends: client-go v0.34 tools/cache/reflector.go (watch,
// handleAnyWatch, isWatchErrorRetriable) and apimachinery pkg/watch/streamwatcher.go, as a table.

/** How a watch ended, as client-go sees it. */
export type WatchEnding =
  /** END_STREAM, or a connection that ended or was reset: io.EOF and what counts as it. */
  | { readonly kind: 'end' | 'lost'; readonly events: number; readonly lastedMs: number }
  /** RST_STREAM, whatever its code: an error 500 is made of it. */
  | { readonly kind: 'reset' }
  /** An ERROR event in the stream. */
  | { readonly kind: 'error event'; readonly code: number }
  /** The watch could not be opened. `status` is undefined where no answer came. */
  | { readonly kind: 'not opened'; readonly status: number | undefined; readonly refused: boolean };

export type NextStep = 'watch' | 'back off, then watch' | 'back off, then list';

const VERY_SHORT_MS = 1000; // handleAnyWatch: VeryShortWatchError.
const TOO_MANY_REQUESTS = 429;

export function afterWatch(ending: WatchEnding): NextStep {
  switch (ending.kind) {
    case 'end':
    case 'lost':
      return ending.lastedMs < VERY_SHORT_MS && ending.events === 0
        ? 'back off, then list'
        : 'watch';
    case 'reset':
      // MaxInternalErrorRetryDuration is 0, so that the error 500 is never retried.
      return 'back off, then list';
    case 'error event':
      return ending.code === TOO_MANY_REQUESTS ? 'back off, then watch' : 'back off, then list';
    case 'not opened':
      return ending.refused || ending.status === TOO_MANY_REQUESTS
        ? 'back off, then watch'
        : 'back off, then list';
  }
}

const FIRST_BACK_OFF_MS = 800;
const LONGEST_BACK_OFF_MS = 30_000;

/** reflector.go: 800 ms doubled up to 30 s, each up to twice as long by chance. */
export function backOffMs(failures: number, random: number): number {
  return Math.min(FIRST_BACK_OFF_MS * 2 ** failures, LONGEST_BACK_OFF_MS) * (1 + random);
}
