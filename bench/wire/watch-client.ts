// Opens watches and counts what they bring, a program of its own, so that its work is on no one's
// bill.
//
//   node bench/wire/watch-client.ts SPEC        SPEC: a WatchSpec as JSON
//
// Each line on standard input is a WatchCommand; each is answered by one line, a WatchAnswer.
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { CommandError, runCommand } from '../../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../../common/exit-code.ts';

export interface WatchSpec {
  readonly url: string;
  readonly path: string;
  readonly caPath: string;
  readonly connections: number;
  /** With a token, as informers have one: proxies may treat the anonymous otherwise. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Opens so many more watches, or waits until so many events have come in all. */
export type WatchCommand = { readonly open: number } | { readonly untilEvents: number };

export interface WatchAnswer {
  readonly event: 'watches';
  readonly open: number;
  readonly events: number;
  /** Watches that were refused or have ended. */
  readonly lost: number;
}

const OPEN_LIMIT_MS = 20_000;
const EVENTS_LIMIT_MS = 20_000;
const POLL_INTERVAL_MS = 5;
const NEWLINE = 0x0a;
/** In a burst of thousands, whoever opens one for each would measure handshakes and not watches. */
const OPENED_AT_ONCE = 200;

class Watches {
  readonly #spec: WatchSpec;
  readonly #sessions: ClientHttp2Session[];
  #turn = 0;
  #open = 0;
  #events = 0;
  #lost = 0;

  constructor(spec: WatchSpec) {
    const options = { ca: readFileSync(spec.caPath) };
    this.#spec = spec;
    this.#sessions = Array.from({ length: spec.connections }, () =>
      // Its streams report the loss.
      connect(spec.url, options).on('error', () => undefined),
    );
  }

  get answer(): WatchAnswer {
    return { event: 'watches', open: this.#open, events: this.#events, lost: this.#lost };
  }

  async run(command: WatchCommand): Promise<void> {
    if ('untilEvents' in command) {
      await poll(() => this.#events >= command.untilEvents || this.#lost > 0, EVENTS_LIMIT_MS);
      return;
    }
    for (let left = command.open; left > 0; left -= OPENED_AT_ONCE) {
      const wanted = this.#open + this.#lost + Math.min(left, OPENED_AT_ONCE);
      for (let count = 0; count < Math.min(left, OPENED_AT_ONCE); count += 1) this.#openOne();
      await poll(() => this.#open + this.#lost >= wanted, OPEN_LIMIT_MS);
    }
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
  }

  #openOne(): void {
    const session = this.#sessions[this.#turn++ % this.#sessions.length];
    if (session === undefined) return;
    const stream = session.request({ ...this.#spec.headers, ':path': this.#spec.path });
    stream.on('response', ({ ':status': status }) => {
      if (status === 200) this.#open += 1;
      else this.#lost += 1;
    });
    stream.on('data', (chunk: Buffer) => {
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) {
        this.#events += 1;
      }
    });
    stream.on('error', () => undefined);
    stream.on('close', () => {
      this.#lost += 1;
    });
  }
}

async function poll(done: () => boolean, limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!done() && performance.now() < deadline) await delay(POLL_INTERVAL_MS);
}

async function main([text]: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  if (text === undefined) throw new CommandError('the specification is missing');
  const watches = new Watches(JSON.parse(text));
  for await (const line of createInterface({ input: process.stdin, signal })) {
    await watches.run(JSON.parse(line));
    process.stdout.write(`${JSON.stringify(watches.answer)}\n`);
  }
  watches.close();
  return EXIT_CODE.ok;
}

await runCommand(main);
