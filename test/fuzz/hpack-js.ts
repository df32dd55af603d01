// The second HPACK implementation, in the shape that ours has.
import { createRequire } from 'node:module';

interface Coder {
  write(input: unknown): void;
  read(): unknown;
  updateTableSize(bytes: number): void;
}

interface HpackJs {
  readonly compressor: { create(options: object): Coder };
  readonly decompressor: { create(options: object): Coder & { execute(): void } };
}

// It has no types, and is not an ES module.
const hpackJs: HpackJs = createRequire(import.meta.url)('hpack.js');

interface Field {
  readonly name: string;
  readonly value: string;
}

/** Encodes as hpack.js does, which indexes all that it can and codes Huffman where it is shorter. */
export class OtherEncoder {
  readonly #coder: Coder;

  constructor(tableBytes: number) {
    this.#coder = hpackJs.compressor.create({ table: { maxSize: tableBytes } });
  }

  encode(headers: readonly string[]): Buffer {
    const fields: Field[] = [];
    for (let i = 0; i < headers.length; i += 2) {
      fields.push({ name: headers[i] ?? '', value: headers[i + 1] ?? '' });
    }
    this.#coder.write(fields);
    return Buffer.concat([...drain<Buffer>(this.#coder)]);
  }
}

export class OtherDecoder {
  readonly #coder: Coder & { execute(): void };

  constructor(tableBytes: number) {
    this.#coder = hpackJs.decompressor.create({ table: { maxSize: tableBytes } });
  }

  decode(block: Buffer): string[] {
    // It keeps what it is given.
    this.#coder.write(Buffer.from(block));
    this.#coder.execute();
    return [...drain<Field>(this.#coder)].flatMap(({ name, value }) => [name, value]);
  }
}

function* drain<T>(coder: Coder): Generator<T> {
  for (;;) {
    const item = coder.read();
    if (item === null) return;
    yield item as T;
  }
}
