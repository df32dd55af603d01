import type { ProxyErrorCode } from '../errors.ts';
import type { RequestRecord } from './request-record.ts';

/** Whether it became a watch, stream or tunnel; one that was refused was a short request. */
export function wasOpened(record: RequestRecord): boolean {
  return record.longRunning && record.status >= 100 && record.status < 400;
}

/**
 * What counts as failed. Somebody has to end an open watch: that its client did, or the door while
 * it drains, is how watches end, and counting it would bury the failures.
 */
export function failureOf(record: RequestRecord): ProxyErrorCode | undefined {
  const { failure } = record;
  const orderly = failure === 'client_gone' || failure === 'shutting_down';
  return orderly && wasOpened(record) ? undefined : failure;
}

/** What a request is to those who count what is open. */
export type Kind = 'request' | 'watch' | 'stream';

export function kindOf({ longRunning, verb }: RequestRecord): Kind {
  if (!longRunning) return 'request';
  return verb === 'WATCH' ? 'watch' : 'stream';
}
