// One try to have an upgrade request answered by one upstream. Both carriers report to it what
// their library tells them, so that the rules are written once:
// nothing is spliced before 101, another answer closes both sides (CVE-2018-1002105), an answer
// below 400 that is not 101 becomes 502 (CVE-2020-8559), and no redirect is followed.
import type { Socket } from 'node:net';
import type { HeaderList } from '../http2/header-list.ts';
import { type LingerLimits, lingerDefaults, lingerThenDestroy } from './linger.ts';
import { answerAndClose, answerStatusAndClose } from './status-answer.ts';
import type { Tunnels } from './tunnels.ts';
import type { UpgradeOutcome, UpgradeRequest } from './upgrade.ts';

export interface UpgradeLimits {
  /** For TCP and TLS to the upstream. */
  readonly connectTimeoutMs: number;
  /** From the connection to the complete answer. */
  readonly answerTimeoutMs: number;
  /** An answer other than 101 is held whole before it goes on. */
  readonly maxAnswerBytes: number;
  readonly linger: LingerLimits;
}

export const upgradeDefaults: UpgradeLimits = {
  connectTimeoutMs: 5000,
  // kube-apiserver answers an exec after the kubelet does, and the kubelet after the runtime. Its
  // own dial to the kubelet may take 30 s.
  answerTimeoutMs: 60_000,
  // A Status is below 10 KiB; a proxied service may send a page.
  maxAnswerBytes: 1024 * 1024,
  linger: lingerDefaults,
};

export class UpgradeAttempt {
  readonly outcome: Promise<UpgradeOutcome>;
  readonly #resolve: (outcome: UpgradeOutcome) => void;
  readonly #client: Socket;
  readonly #tunnels: Tunnels;
  readonly #limits: UpgradeLimits;
  readonly #cancelUpstream: () => void;
  readonly #stopWaiting: () => void;
  readonly #onClientGone = (): void => this.#abandon();
  #timer: NodeJS.Timeout;
  /** The upstream may have seen the request, so that it must not be sent again. */
  #sent = false;
  #over = false;
  #answer: { headers: HeaderList; chunks: Buffer[]; bytes: number } | undefined;

  /** @param cancelUpstream closes the connection to the upstream, whatever state it is in. */
  constructor(
    request: UpgradeRequest,
    tunnels: Tunnels,
    limits: UpgradeLimits,
    cancelUpstream: () => void,
  ) {
    ({ promise: this.outcome, resolve: this.#resolve } = Promise.withResolvers<UpgradeOutcome>());
    this.#client = request.socket;
    this.#tunnels = tunnels;
    this.#limits = limits;
    this.#cancelUpstream = cancelUpstream;
    this.#stopWaiting = tunnels.wait(() => this.#finish(503, 'the front door is shutting down'));
    this.#timer = setTimeout(
      () => this.failed(`no connection within ${limits.connectTimeoutMs} ms`),
      limits.connectTimeoutMs,
    );
    this.#client.on('end', this.#onClientGone);
    this.#client.on('close', this.#onClientGone);
    if (this.#client.destroyed) process.nextTick(this.#onClientGone);
  }

  /** True when the attempt is over: the carrier has nothing to do any more. */
  get over(): boolean {
    return this.#over;
  }

  /** The connection is up, and the request is about to leave. */
  sent(): void {
    if (this.#over) return;
    this.#sent = true;
    const { answerTimeoutMs } = this.#limits;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#finish(504, `the upstream did not answer within ${answerTimeoutMs} ms`),
      answerTimeoutMs,
    );
  }

  /** 101, and the two sockets are piped into each other. */
  switched(upstream: Socket): void {
    if (this.#over) {
      upstream.destroy();
      return;
    }
    this.#end({ kind: 'switched', ended: this.#tunnels.join(this.#client, upstream) });
  }

  /** The head of another answer: `rawHeaders` is name, value, … */
  answerStarted(status: number, rawHeaders: readonly string[]): void {
    const headers: HeaderList = [':status', String(status), ...rawHeaders];
    this.#answer = { headers, chunks: [], bytes: 0 };
  }

  answerChunk(chunk: Buffer): void {
    if (this.#over || this.#answer === undefined) return;
    this.#answer.chunks.push(chunk);
    this.#answer.bytes += chunk.length;
    if (this.#answer.bytes > this.#limits.maxAnswerBytes) {
      this.#finish(502, `the upstream's answer exceeds ${this.#limits.maxAnswerBytes} bytes`);
    }
  }

  answerEnded(): void {
    if (this.#over || this.#answer === undefined) return;
    const { headers, chunks } = this.#answer;
    const status = Number(headers[1]);
    if (status < 400) {
      this.#finish(502, `the upstream answered an upgrade request with status ${status}`);
      return;
    }
    this.#end({ kind: 'answered', status });
    this.#cancelUpstream();
    answerAndClose(this.#client, headers, Buffer.concat(chunks), this.#limits.linger);
  }

  /** The upstream cannot be reached, or what it says is not HTTP. */
  failed(detail: string): void {
    if (this.#over) return;
    if (this.#sent) {
      this.#finish(502, `the upstream failed: ${detail}`);
      return;
    }
    this.#end({ kind: 'unprocessed', detail });
    this.#cancelUpstream();
  }

  #finish(status: number, detail: string): void {
    if (this.#over) return;
    this.#end({ kind: 'answered', status, detail });
    this.#cancelUpstream();
    answerStatusAndClose(this.#client, status, detail, this.#limits.linger);
  }

  #abandon(): void {
    if (this.#over) return;
    this.#end({ kind: 'abandoned' });
    this.#cancelUpstream();
    lingerThenDestroy(this.#client, this.#limits.linger);
  }

  #end(outcome: UpgradeOutcome): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#stopWaiting();
    this.#client.off('end', this.#onClientGone);
    this.#client.off('close', this.#onClientGone);
    this.#resolve(outcome);
  }
}
