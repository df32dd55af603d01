import type { ProxyErrorCode } from '../errors.ts';
import type { Connection } from '../http2/connection.ts';
import type { MessageListener, MessageStream } from '../http2/message-stream.ts';
import type { RequestRecord } from '../observe/request-record.ts';
import type { Endpoint } from '../upstream/endpoint.ts';

/** What the exchange that a watch came from lends to it. */
export interface WatchOrigin {
  readonly front: MessageStream;
  readonly record: RequestRecord;
  /** Path and query as the client sent them. */
  readonly target: string;
  /** Sends the client's request, with its identity, to an endpoint with another query. */
  open(
    endpoint: Endpoint,
    target: string,
    listener: MessageListener,
  ): { readonly stream: MessageStream; readonly connection: Connection } | undefined;
  /** The watch is over; without a code it ended as watches do. */
  ended(code: ProxyErrorCode | undefined, detail: string): void;
}

/**
 * Why a watch goes on elsewhere: a label of its metrics. `expired`: the history of the endpoint
 * that the client's request was sent to begins too late. `removed`: it is no longer configured.
 */
export type MoveReason =
  | 'lost'
  | 'ended_early'
  | 'expired'
  | 'silent'
  | 'rebalance'
  | 'leaving'
  | 'removed';

/**
 * `expired`: 410, the history there begins too late. `absent`: the resource is not known there.
 * `denied`: no endpoint would answer better.
 */
export type RefusalKind = 'expired' | 'absent' | 'denied' | 'failed';
export type MoveResult = 'continued' | RefusalKind;

/** Receives what becomes of watches, for the metrics. */
export interface WatchObserver {
  moved(reason: MoveReason, result: MoveResult): void;
  /** Silence that a client had because its watch was without an endpoint. */
  gap(gapMs: number): void;
}
