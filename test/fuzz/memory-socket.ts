import { Duplex } from 'node:stream';

/** A socket without a network: what the connection writes is kept, what it reads is given by hand. */
export class MemorySocket extends Duplex {
  readonly written: Buffer[] = [];

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    // The writer uses the buffer again as soon as it is told that it is done with.
    this.written.push(Buffer.from(chunk));
    done();
  }

  override _final(done: () => void): void {
    done();
  }

  /** The bytes are read before this returns, so that an exception is the caller's to see. */
  give(bytes: Buffer): void {
    this.emit('data', bytes);
  }

  get output(): Buffer {
    return Buffer.concat(this.written);
  }
}

/** What one turn of the event loop gathers has then been written. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
