import type { HomedWatch } from './watch-home.ts';

/** A bug that one watch brings to light must not end the timer of all. Undefined after it. */
export function alone<T>(watch: HomedWatch, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    watch.fail(error);
    return undefined;
  }
}
