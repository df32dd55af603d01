// Steps over the fields of a protobuf message where it lies, without decoding what is in them.

const VARINT = 0;
const FIXED_64 = 1;
const DELIMITED = 2;
const FIXED_32 = 5;
const MAX_VARINT_BYTES = 10;
const NONE = -1;

/** The field that was read last. One serves for all levels, each walked to its end in turn. */
export class ProtobufCursor {
  /** Its number. */
  field = 0;
  /** From where to where its content goes. */
  from = 0;
  to = 0;
  private wire = 0;

  /** Reads the field at `at`; false when it does not end by `end`, or is none. */
  next(bytes: Buffer, at: number, end: number): boolean {
    const tagEnd = varintEnd(bytes, at, end);
    if (tagEnd < 0) return false;
    const tag = varintAt(bytes, at, tagEnd);
    this.wire = tag & 7;
    this.field = Math.floor(tag / 8);
    if (this.field === 0) return false;
    this.from = tagEnd;
    this.to = this.contentEnd(bytes, tagEnd, end);
    return this.to >= 0 && this.to <= end;
  }

  /** Strings and messages only: the same number with another wire type is not the same field. */
  is(field: number): boolean {
    return this.field === field && this.wire === DELIMITED;
  }

  isNumber(field: number): boolean {
    return this.field === field && this.wire === VARINT;
  }

  /** The content of a field that is a number. */
  number(bytes: Buffer): number {
    return varintAt(bytes, this.from, this.to);
  }

  private contentEnd(bytes: Buffer, at: number, end: number): number {
    switch (this.wire) {
      case VARINT:
        return varintEnd(bytes, at, end);
      case FIXED_64:
        return at + 8;
      case FIXED_32:
        return at + 4;
      case DELIMITED: {
        this.from = varintEnd(bytes, at, end);
        return this.from < 0 ? NONE : this.from + varintAt(bytes, at, this.from);
      }
      default: // Groups, which proto3 does not have, and numbers that nothing has.
        return NONE;
    }
  }
}

/** The offset after the varint at `at`, or -1 when it does not end in time. */
function varintEnd(bytes: Buffer, from: number, end: number): number {
  const limit = Math.min(end, from + MAX_VARINT_BYTES);
  for (let at = from; at < limit; at++) {
    if ((bytes[at] ?? 0) < 0x80) return at + 1;
  }
  return NONE;
}

/** Exact to 2^53, beyond every length that fits a frame. */
function varintAt(bytes: Buffer, from: number, to: number): number {
  let value = 0;
  for (let at = to - 1; at >= from; at--) value = value * 128 + ((bytes[at] ?? 0) & 0x7f);
  return value;
}
