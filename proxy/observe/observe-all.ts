import type { RequestObserver } from './request-record.ts';

/** One observer that tells all of these, in this order. */
export function observeAll(observers: readonly RequestObserver[]): RequestObserver {
  return {
    entered(record) {
      for (const observer of observers) observer.entered(record);
    },
    left(record, leftAtMs) {
      for (const observer of observers) observer.left(record, leftAtMs);
    },
  };
}
