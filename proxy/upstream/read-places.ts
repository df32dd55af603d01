import { createHash } from 'node:crypto';
import { type HeaderList, headerValue } from '../http2/header-list.ts';
import type { RequestIdentity } from '../identity/client.ts';
import type { Endpoint } from './endpoint.ts';

/** The reader that has been quiet for longest is forgotten beyond this. */
const MAX_READERS = 10_000;

/**
 * Where readers have been served last, over their connections: client-go opens a new one after a
 * GOAWAY, and HTTP/1.1 clients have several. The same user with the same User-Agent is one reader.
 */
export class ReadPlaces {
  /** In the order of their last change. */
  private readonly places = new Map<string, Endpoint>();

  get size(): number {
    return this.places.size;
  }

  of(reader: string | undefined): Endpoint | undefined {
    return reader === undefined ? undefined : this.places.get(reader);
  }

  set(reader: string | undefined, endpoint: Endpoint): void {
    if (reader === undefined) return;
    this.places.delete(reader);
    this.places.set(reader, endpoint);
    if (this.places.size <= MAX_READERS) return;
    for (const oldest of this.places.keys()) {
      this.places.delete(oldest);
      return;
    }
  }

  /** The endpoint is gone. */
  forget(endpoint: Endpoint): void {
    for (const [reader, place] of this.places) {
      if (place === endpoint) this.places.delete(reader);
    }
  }
}

/**
 * Names the reader of a request without keeping who it is: a token is a secret, and a hash is short.
 * Undefined for anonymous ones, who may be anybody.
 */
export function readerOf(identity: RequestIdentity, headers: HeaderList): string | undefined {
  const who =
    identity.class === 'certificate'
      ? identity.certificate?.user
      : headerValue(headers, 'authorization');
  if (identity.class === 'anonymous' || who === undefined) return undefined;
  const agent = headerValue(headers, 'user-agent') ?? '';
  return createHash('sha256').update(`${identity.class}\0${who}\0${agent}`).digest('base64');
}
