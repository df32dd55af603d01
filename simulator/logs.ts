// The log subresource of pods: made-up lines, and with follow=true one more at each interval.
import type { Writable } from 'node:stream';
import type { Exchange, ResponseHeaders } from './exchange.ts';
import type { LongRunning, Serving } from './serving.ts';
import type { Scheduled } from './timer-wheel.ts';

const DEFAULT_LINES = 10;

/** Answers `pods/NAME/log`. */
export function serveLog(
  exchange: Exchange,
  pod: string,
  query: URLSearchParams,
  serving: Serving,
  headers: ResponseHeaders,
): void {
  const tail = Number(query.get('tailLines') ?? DEFAULT_LINES);
  const first = Array.from({ length: tail }, (_, index) => logLine(pod, index + 1)).join('');
  const stream = exchange.open(200, { ...headers, 'content-type': 'text/plain' });
  stream.write(first);
  if (query.get('follow') === 'true') new FollowedLog(stream, pod, tail, serving);
  else stream.end();
}

class FollowedLog implements LongRunning {
  readonly #stream: Writable;
  readonly #serving: Serving;
  readonly #pod: string;
  #line: number;
  #next: Scheduled | undefined;
  #ended = false;

  constructor(stream: Writable, pod: string, line: number, serving: Serving) {
    this.#stream = stream;
    this.#pod = pod;
    this.#line = line;
    this.#serving = serving;
    serving.longRunning.add(this);
    stream.once('close', () => this.#release());
    this.#schedule();
  }

  end(): void {
    if (this.#ended) return;
    this.#release();
    this.#stream.end();
  }

  #schedule(): void {
    this.#next = this.#serving.wheel.schedule(this.#serving.config.logIntervalMs, () => {
      this.#line++;
      this.#stream.write(logLine(this.#pod, this.#line));
      this.#schedule();
    });
  }

  #release(): void {
    this.#ended = true;
    this.#next?.cancel();
    this.#serving.longRunning.delete(this);
  }
}

function logLine(pod: string, number: number): string {
  return `line ${number} of ${pod}\n`;
}
