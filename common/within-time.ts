const UNTIL_MS = 20;

/** Runs `work` until it is done or the time is over; the signal then tells it to stop. */
export async function withinTime(
  limitMs: number,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, limitMs);
  await Promise.race([work(controller.signal), limit.promise]);
  clearTimeout(timer);
  controller.abort();
}

/** Looks again and again, until it is so or the signal says that it is enough. */
export async function until(condition: () => boolean, signal: AbortSignal): Promise<void> {
  while (!condition() && !signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, UNTIL_MS));
  }
}
