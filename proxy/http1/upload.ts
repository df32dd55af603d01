import type { IncomingMessage } from 'node:http';
import type { HeaderList } from '../http2/header-list.ts';

export interface UploadEvents {
  data(chunk: Buffer): void;
  /** `trailers` is empty when there are none. */
  end(trailers: HeaderList): void;
  /** The client could send and did not. */
  idle(): void;
}

export interface UploadLimits {
  readonly uploadWindowBytes: number;
  readonly uploadIdleTimeoutMs: number;
}

/**
 * The body of a request, delivered against credit: no more than a window is with the receiver at a
 * time. What node:http and the kernel buffer comes on top; both stop reading while this waits.
 */
export class Upload {
  ended = false;
  readonly #request: IncomingMessage;
  readonly #limits: UploadLimits;
  #unconsumedBytes = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  #dropped = false;

  constructor(request: IncomingMessage, limits: UploadLimits) {
    this.#request = request;
    this.#limits = limits;
  }

  /** Takes a request that has no body. */
  skip(): void {
    this.ended = true;
    // node:http waits for the end of an empty body too before it takes the next request.
    this.#request.resume();
  }

  start(events: UploadEvents): void {
    this.#request.on('data', (chunk: Buffer) => {
      this.#unconsumedBytes += chunk.length;
      if (this.#unconsumedBytes >= this.#limits.uploadWindowBytes) {
        this.#request.pause();
        this.#clearTimer();
      } else {
        this.#armTimer(events);
      }
      events.data(chunk);
    });
    this.#request.on('resume', () => this.#armTimer(events));
    this.#request.on('end', () => {
      this.ended = true;
      this.#clearTimer();
      if (this.#dropped) return;
      const { rawTrailers } = this.#request;
      events.end(rawTrailers.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text)));
    });
    this.#armTimer(events);
  }

  consumed(bytes: number): void {
    this.#unconsumedBytes -= bytes;
    if (this.ended || this.#dropped || !this.#request.isPaused()) return;
    // Half a window, so that the socket is not stopped and started for each chunk.
    if (this.#unconsumedBytes <= this.#limits.uploadWindowBytes / 2) this.#request.resume();
  }

  /** Reads what is left and forgets it; the linger limits bound how much. */
  drop(): void {
    this.stop();
    this.#request.removeAllListeners('data');
    this.#request.resume();
  }

  /** Calls nothing back any more. */
  stop(): void {
    this.#dropped = true;
    this.#clearTimer();
  }

  #armTimer(events: UploadEvents): void {
    if (this.#dropped || this.ended) return;
    if (this.#idleTimer === undefined) {
      this.#idleTimer = setTimeout(() => events.idle(), this.#limits.uploadIdleTimeoutMs);
    } else {
      this.#idleTimer.refresh();
    }
  }

  #clearTimer(): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = undefined;
  }
}
