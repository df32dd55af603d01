// One request over HTTP/2 on a connection of its own: whether a subject answers, and with what.
import { readFileSync } from 'node:fs';
import { connect, type OutgoingHttpHeaders } from 'node:http2';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

export interface Question {
  readonly url: string;
  readonly path: string;
  readonly caPath: string;
  readonly certPath?: string;
  readonly keyPath?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes it a POST. */
  readonly upload?: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

const ANSWER_LIMIT_MS = 10_000;
const POLL_INTERVAL_MS = 50;

/** Rejects when there is no answer. */
export async function ask(question: Question): Promise<Answer> {
  const { url, path, caPath, certPath, keyPath, upload } = question;
  const session = connect(url, {
    ca: readFileSync(caPath),
    ...(certPath === undefined ? {} : { cert: readFileSync(certPath) }),
    ...(keyPath === undefined ? {} : { key: readFileSync(keyPath) }),
  });
  const headers: OutgoingHttpHeaders = {
    ...question.headers,
    ':path': path,
    ':method': upload === undefined ? 'GET' : 'POST',
  };
  try {
    return await new Promise<Answer>((resolve, reject) => {
      session.on('error', reject);
      const stream = session.request(headers, { endStream: upload === undefined });
      stream.setTimeout(ANSWER_LIMIT_MS, () => reject(new Error(`${url}: is silent`)));
      stream.on('error', reject);
      // After an answer it is too late to matter. Before one, a lost connection may show by it alone.
      stream.on('close', () => reject(new Error(`${url}: closed without an answer`)));
      stream.on('response', ({ ':status': status = 0 }) => {
        buffer(stream).then((body) => resolve({ status, body }), reject);
      });
      if (upload !== undefined) stream.end(upload);
    });
  } finally {
    session.destroy();
  }
}

/** Asks until the answer is 200. */
export async function waitForAnswer(
  question: Question,
  { limitMs, signal }: { limitMs: number; signal: AbortSignal },
): Promise<void> {
  const deadline = performance.now() + limitMs;
  let last = 'no answer';
  while (performance.now() < deadline) {
    try {
      const { status } = await ask(question);
      if (status === 200) return;
      last = `${status}`;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    signal.throwIfAborted();
    await delay(POLL_INTERVAL_MS);
  }
  throw new Error(`${question.url}: not ready after ${limitMs} ms: ${last}`);
}
