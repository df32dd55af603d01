// Strings, numbers and white space of JSON, where they stand in a buffer.

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

// A native search costs as much as about this many bytes one by one.
const NEAR_BYTES = 64;

/**
 * The offset after the string whose inside begins at `from`. When the input ends first: one more
 * than where to go on, which is behind `end` if the last byte began an escape.
 */
export function afterString(bytes: Buffer, from: number, end: number): number {
  const near = end - from > NEAR_BYTES ? from + NEAR_BYTES : end;
  const after = afterNearString(bytes, from, near);
  return after <= near || near === end ? after : afterLongString(bytes, after - 1, end);
}

function afterNearString(bytes: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    // Only the one byte behind a backslash could be taken for the string's end.
    at += byte === BACKSLASH ? 2 : 1;
  }
  return at + 1;
}

/** For certificates, base64 and the like. `from` is not amid an escape. */
function afterLongString(bytes: Buffer, from: number, end: number): number {
  const quote = bytes.indexOf(QUOTE, from);
  const stop = quote < 0 || quote > end ? end : quote;
  let slashes = 0;
  while (stop - slashes > from && bytes[stop - slashes - 1] === BACKSLASH) slashes++;
  const escaped = slashes % 2 === 1;
  if (stop >= end) return escaped ? end + 2 : end + 1;
  // Where one quote is escaped there are more, as in JSON within JSON.
  return escaped ? afterNearString(bytes, stop + 1, end) : stop + 1;
}

/** The offset of the first byte that is no white space, or `end`. */
export function afterBlanks(bytes: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && isBlank(bytes[at])) at++;
  return at;
}

function isBlank(byte: number | undefined): boolean {
  return byte === LINE_FEED || byte === SPACE || byte === CARRIAGE_RETURN || byte === TAB;
}

/** The inside's offset of the string that is the value of the key that ends at `at`, or -1. */
export function stringValueAt(bytes: Buffer, at: number): number {
  const value = valueAt(bytes, at);
  return bytes[value] === QUOTE ? value + 1 : -1;
}

function valueAt(bytes: Buffer, afterKey: number): number {
  let at = afterKey;
  while (bytes[at] === COLON || isBlank(bytes[at])) at++;
  return at;
}

/**
 * The offset of the quote that ends the string at `from`, or -1 when it holds an escape or a byte
 * beyond ASCII, or is none: the values that are looked for have neither.
 */
export function plainStringEnd(bytes: Buffer, from: number): number {
  if (from < 0) return -1;
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH || byte > 0x7e) return -1;
  }
  return -1;
}

/** The value of the key that ends at `afterKey`; undefined unless it is a plain, filled string. */
export function plainString(bytes: Buffer, afterKey: number): string | undefined {
  const from = stringValueAt(bytes, afterKey);
  const to = plainStringEnd(bytes, from);
  return to > from ? bytes.toString('latin1', from, to) : undefined;
}

/** The value of the key that ends at `afterKey`, if it is a number without fraction or exponent. */
export function wholeNumber(bytes: Buffer, afterKey: number): number | undefined {
  const from = valueAt(bytes, afterKey);
  let to = bytes[from] === MINUS ? from + 1 : from;
  while ((bytes[to] ?? 0) >= ZERO && (bytes[to] ?? 0) <= NINE) to++;
  const number = Number(bytes.toString('latin1', from, to));
  return to > from && Number.isSafeInteger(number) && endsNumber(bytes[to]) ? number : undefined;
}

function endsNumber(byte: number | undefined): boolean {
  return byte === 0x2c || byte === 0x7d || isBlank(byte);
}
