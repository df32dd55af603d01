// One request and its answer, the same for HTTP/1.1 and HTTP/2, so that no handler asks which one
// it serves. The two adapters live in http1-exchange.ts and http2-exchange.ts.
import type { Writable } from 'node:stream';
import type { Peer } from './identity.ts';
import { StatusError, tooLarge } from './status.ts';

/** Response headers; names in lower case, as HTTP/2 wants them. */
export type ResponseHeaders = Record<string, string>;

/** One request. Exactly one of `respond` and `open` is called. */
export interface Exchange {
  readonly method: string;
  /** Path and query as the client sent them. */
  readonly target: string;
  readonly httpVersion: '1.1' | '2';
  /** Names and values in turn, as received: duplicates matter for X-Remote-Group. */
  readonly rawHeaders: readonly string[];
  readonly peer: Peer;
  /** The body; a 413 Status once it is larger than `maxBytes`. */
  readBody(maxBytes: number): Promise<Buffer>;
  respond(status: number, headers: ResponseHeaders, body: string | Buffer): void;
  /** Sends the head of a streamed answer. 'close' of the stream means that the client is gone. */
  open(status: number, headers: ResponseHeaders): Writable;
  /** After this answer the connection takes no more requests: GOAWAY, or Connection: close. */
  closeConnection(): void;
}

/** The first value of a header, by its lower-case name. */
export function header(
  { rawHeaders }: Pick<Exchange, 'rawHeaders'>,
  name: string,
): string | undefined {
  return headerValues({ rawHeaders }, name)[0];
}

/** All values of a header, in order, never joined. */
export function headerValues({ rawHeaders }: Pick<Exchange, 'rawHeaders'>, name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === name) values.push(rawHeaders[index + 1] ?? '');
  }
  return values;
}

/** Collects a body for both adapters; what comes after the limit is refused, not kept. */
export async function collectBody(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > maxBytes) break;
      parts.push(chunk);
    }
  } catch (cause) {
    // The client went away in the middle of its body: nobody reads this answer.
    throw new StatusError('the request body ended early', {
      code: 400,
      reason: 'BadRequest',
      cause,
    });
  }
  if (size > maxBytes) throw tooLarge(maxBytes);
  return Buffer.concat(parts);
}
