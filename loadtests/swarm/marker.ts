// What the swarm's own writes carry in an annotation: which object, its how-manieth change, and when
// it was sent. The text reads the same in JSON and in protobuf, so it is found without parsing.

/** Key of the annotation. */
export const MARKER_ANNOTATION = 'evenkeel.dev/swarm';

export interface Mark {
  /** Which of the swarm's objects. */
  readonly object: number;
  /** 1 is the creation; each committed change adds one. */
  readonly sequence: number;
  /** On the process's own monotonic clock. */
  readonly sentUs: number;
}

const COLON = 0x3a;
const ZERO = 0x30;
const NINE = 0x39;

export class Marker {
  readonly #prefix: Buffer;
  readonly #runId: string;

  /** @param runId letters and digits; what other runs have left is not ours to count */
  constructor(runId: string) {
    this.#runId = runId;
    this.#prefix = Buffer.from(`swarm-mark:${runId}:`);
  }

  format({ object, sequence, sentUs }: Mark): string {
    return `swarm-mark:${this.#runId}:${object}:${sequence}:${sentUs}:`;
  }

  /** The first mark at or after `from`, and where it ends. */
  find(bytes: Buffer, from = 0): { readonly mark: Mark; readonly endAt: number } | undefined {
    const foundAt = bytes.indexOf(this.#prefix, from);
    if (foundAt < 0) return undefined;
    const numbers = [0, 0, 0];
    let at = foundAt + this.#prefix.length;
    for (let index = 0; index < numbers.length; index += 1) {
      let value = 0;
      for (; at < bytes.length && bytes[at] !== COLON; at += 1) {
        const digit = bytes[at] ?? 0;
        if (digit < ZERO || digit > NINE) return undefined;
        value = value * 10 + digit - ZERO;
      }
      // A number that was cut off is not that number.
      if (bytes[at] !== COLON) return undefined;
      numbers[index] = value;
      at += 1;
    }
    const [object = 0, sequence = 0, sentUs = 0] = numbers;
    return { mark: { object, sequence, sentUs }, endAt: at };
  }

  /** Every mark of a list. */
  *all(bytes: Buffer): Generator<Mark> {
    for (let found = this.find(bytes); found; found = this.find(bytes, found.endAt)) {
      yield found.mark;
    }
  }
}
