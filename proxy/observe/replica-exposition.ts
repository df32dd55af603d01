// Cuts Prometheus' text format into metric families while it arrives. Lines that nobody has to
// understand are never turned into strings: an apiserver's exposition is many megabytes long.
// https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details

/** A run of one family's lines, as long as the input had it in one piece. */
export interface ExpositionPiece {
  /** Name without the suffixes of a histogram's or summary's samples. */
  readonly family: string;
  /** As its TYPE line says; `untyped` without one. */
  readonly type: string;
  /** Comment lines, HELP and TYPE among them; most pieces have none. */
  readonly comments: Buffer;
  /** Whole sample lines, each with its line feed, byte for byte as they came. */
  readonly samples: Buffer;
}

export interface ExpositionLimits {
  /** Of the whole text. */
  readonly maxBytes: number;
  /** Of one line, its line feed included; this bounds each label too. */
  readonly maxLineBytes: number;
  readonly maxLines: number;
}

/** The text is not what it should be, or too much of it. */
export class ExpositionError extends Error {
  override readonly name = 'ExpositionError';
  readonly kind: 'malformed' | 'too_large';

  constructor(kind: ExpositionError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** A line of kube-apiserver's is about 300 bytes long, a million of them is far beyond any. */
export const LINE_LIMITS = { maxLineBytes: 64 * 1024, maxLines: 5_000_000 } as const;

export const LINE_FEED = 0x0a;
export const BRACE = 0x7b;
export const SPACE = 0x20;
export const TAB = 0x09;
const HASH = 0x23;
const EMPTY = Buffer.alloc(0);
const COMMENT = /^#[ \t]+(HELP|TYPE)[ \t]+(\S+)(?:[ \t]+(.*?))?[ \t]*$/;
/** Samples of a family with such a type may have the family's name and one of these. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['_sum', '_count'],
};

/** Takes a text in pieces of any length. One for each text. */
export class ExpositionParser {
  private readonly limits: ExpositionLimits;
  /** The beginning of a line whose end has not come. */
  private rest = EMPTY;
  private bytes = 0;
  private lines = 0;
  private family = '';
  private type = 'untyped';
  /** Names that a sample of the family may have, as bytes. */
  private names: readonly Buffer[] = [];
  private comments: Buffer[] = [];

  constructor(limits: ExpositionLimits) {
    this.limits = limits;
  }

  /**
   * The lines that have become whole, in order. The pieces refer to `chunk`.
   * @throws ExpositionError after which the parser is of no more use
   */
  push(chunk: Buffer): ExpositionPiece[] {
    this.bytes += chunk.length;
    if (this.bytes > this.limits.maxBytes) {
      throw new ExpositionError('too_large', `is longer than ${this.limits.maxBytes} bytes`);
    }
    const last = chunk.lastIndexOf(LINE_FEED) + 1;
    if (this.rest.length + (last === 0 ? chunk.length : 0) > this.limits.maxLineBytes) {
      throw this.lineTooLong();
    }
    if (last === 0) {
      this.rest = Buffer.concat([this.rest, chunk]);
      return [];
    }
    const whole = chunk.subarray(0, last);
    const lines = this.rest.length === 0 ? whole : Buffer.concat([this.rest, whole]);
    // A copy: what is left must not keep the whole chunk alive.
    this.rest = Buffer.from(chunk.subarray(last));
    return this.cut(lines);
  }

  /** What is left at the end. A last line without a line feed is given one. */
  finish(): ExpositionPiece[] {
    const pieces = this.rest.length === 0 ? [] : this.push(Buffer.from('\n'));
    if (this.comments.length > 0) pieces.push(this.piece(EMPTY));
    return pieces;
  }

  private cut(lines: Buffer): ExpositionPiece[] {
    const pieces: ExpositionPiece[] = [];
    // Sample lines since `from` are of one family and have not been handed on.
    let from = 0;
    let start = 0;
    const handOn = (until: number): void => {
      if (until > from) pieces.push(this.piece(lines.subarray(from, until)));
      from = until;
    };
    while (start < lines.length) {
      const end = lines.indexOf(LINE_FEED, start) + 1;
      this.count(end - start);
      const first = lines[start];
      if (first === HASH || first === LINE_FEED) {
        handOn(start);
        if (first === HASH) this.takeComment(lines.subarray(start, end), pieces);
        from = end;
      } else if (!this.isOfFamily(lines, start)) {
        handOn(start);
        this.begin(this.nameAt(lines, start, end), 'untyped', pieces);
      }
      start = end;
    }
    handOn(start);
    return pieces;
  }

  private count(lineBytes: number): void {
    if (lineBytes > this.limits.maxLineBytes) throw this.lineTooLong();
    this.lines += 1;
    if (this.lines > this.limits.maxLines) {
      throw new ExpositionError('too_large', `has more than ${this.limits.maxLines} lines`);
    }
  }

  private lineTooLong(): ExpositionError {
    const line = `line ${this.lines + 1}`;
    return new ExpositionError('too_large', `${line} is over ${this.limits.maxLineBytes} bytes`);
  }

  private takeComment(line: Buffer, pieces: ExpositionPiece[]): void {
    const [, keyword, name = '', text = ''] =
      COMMENT.exec(line.toString('latin1').slice(0, -1)) ?? [];
    if (keyword !== undefined && name !== this.family) this.begin(name, 'untyped', pieces);
    this.comments.push(line);
    if (keyword === 'TYPE') this.setType(text);
  }

  private begin(family: string, type: string, pieces: ExpositionPiece[]): void {
    // A family that has comments and no samples.
    if (this.comments.length > 0 && this.family !== '') pieces.push(this.piece(EMPTY));
    this.family = family;
    this.setType(type);
  }

  private setType(type: string): void {
    this.type = type;
    const suffixes = SUFFIXES[type] ?? [];
    this.names = ['', ...suffixes].map((suffix) => Buffer.from(this.family + suffix, 'latin1'));
  }

  private piece(samples: Buffer): ExpositionPiece {
    const comments = this.comments.length === 0 ? EMPTY : Buffer.concat(this.comments);
    this.comments = [];
    return { family: this.family, type: this.type, comments, samples };
  }

  private isOfFamily(lines: Buffer, start: number): boolean {
    for (const name of this.names) {
      const end = start + name.length;
      const next = lines[end];
      if (next !== BRACE && next !== SPACE && next !== TAB) continue;
      if (lines.compare(name, 0, name.length, start, end) === 0) return true;
    }
    return false;
  }

  private nameAt(lines: Buffer, start: number, end: number): string {
    let at = start;
    while (isNameByte(lines[at] ?? 0)) at++;
    const next = lines[at];
    const named = at > start && !isDigit(lines[start] ?? 0);
    if (named && (next === BRACE || next === SPACE || next === TAB)) {
      return lines.toString('latin1', start, at);
    }
    const shown = lines.toString('latin1', start, Math.min(end - 1, start + 40));
    throw new ExpositionError('malformed', `line ${this.lines} is no sample: ${shown}`);
  }
}

function isNameByte(byte: number): boolean {
  // Letters, digits, underscore and colon.
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || isWordRest(byte);
}

function isWordRest(byte: number): boolean {
  return isDigit(byte) || byte === 0x5f || byte === 0x3a;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
