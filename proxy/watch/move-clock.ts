import type { Attachment } from './attachment.ts';

/** After a 200, an endpoint that cannot serve the watch has said so within this time. */
const PEEK_MS = 100;
/** How long a new endpoint may be behind what the client has from the old one. */
const CATCH_UP_MS = 2000;

/** Keeps time for the one endpoint at which a watch is about to go on. */
export class MoveClock {
  private readonly nowMs: () => number;
  private readonly onBug: (error: unknown) => void;
  private timer: NodeJS.Timeout | undefined;

  /** @param onBug told of what is thrown out of a timer, where nobody else would catch it */
  constructor(nowMs: () => number, onBug: (error: unknown) => void) {
    this.nowMs = nowMs;
    this.onBug = onBug;
  }

  /** The endpoint is to answer within `limitMs`. */
  awaitAnswer(attachment: Attachment, limitMs: number): void {
    this.start(limitMs, () => attachment.refuse('failed', `no answer within ${limitMs} ms`));
  }

  /**
   * The endpoint has answered with 200, and is believed when it has not said otherwise for a while.
   * @param isBehind the client has events from the old endpoint that this one has not sent yet
   */
  peek(attachment: Attachment, isBehind: () => boolean, onOver: () => void): void {
    const limitMs = this.nowMs() + CATCH_UP_MS;
    const look = (): void => {
      if (!isBehind()) onOver();
      else if (this.nowMs() < limitMs) this.start(PEEK_MS, look);
      else attachment.refuse('failed', 'is behind');
    };
    this.start(PEEK_MS, look);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private start(waitMs: number, work: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      try {
        work();
      } catch (error) {
        this.onBug(error);
      }
    }, waitMs);
  }
}
