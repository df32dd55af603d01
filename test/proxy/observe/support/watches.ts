// Watches as the metrics see them, on a clock that the test moves.
import type { WatchFrame, WatchFrameType } from '../../../../proxy/kube/watch-frame.ts';
import { Metrics } from '../../../../proxy/observe/metrics.ts';
import type { RequestRecord } from '../../../../proxy/observe/request-record.ts';
import { Exposition } from './exposition.ts';
import { recordOf, sourcesOf } from './records.ts';

export const PODS = 'GET /api/v1/pods?watch=true';

interface FrameOptions extends Partial<WatchFrame> {
  readonly length?: number;
}

export function frameOf(
  type: WatchFrameType,
  { length = 100, ...rest }: FrameOptions = {},
): WatchFrame {
  return {
    type,
    resourceVersion: undefined,
    errorCode: undefined,
    initialEventsEnd: false,
    bytes: Buffer.alloc(length),
    ...rest,
  };
}

export function startMetrics() {
  let nowMs = 1000;
  const metrics = new Metrics({ version: '1', sources: sourcesOf([]), nowMs: () => nowMs });
  return {
    metrics,
    at(ms: number): void {
      nowMs = ms;
    },
    /** A watch that was answered after 4 ms. */
    open(request = PODS, endpoint = 'cp-1'): RequestRecord {
      const record = recordOf(request, { answeredAtMs: 1004, endpoint });
      metrics.entered(record);
      return record;
    },
    read: async () => new Exposition(await metrics.text()),
  };
}

/** An event whose first byte came at a time, and which the client's socket takes now or later. */
export function bring(record: RequestRecord, frame: WatchFrame, firstByteAtMs: number): void {
  record.meter?.event(frame, firstByteAtMs, true);
  record.responseBytes += frame.bytes.length;
}

export function take(record: RequestRecord, totalBytes = record.responseBytes): void {
  record.meter?.sent(totalBytes);
}
