import fc from 'fast-check';

/** Names and values that come again, so that tables are hit, and some that do not. */
const NAMES = [':method', ':path', ':status', 'accept', 'authorization', 'cookie', 'x-a', 'x-bb'];
const VALUES = ['', 'GET', '/', '200', 'application/json', 'a', 'bearer t', 'z'.repeat(900)];

const TOKEN = 'abcdefghijklmnopqrstuvwxyz0123456789-';

const name = fc
  .oneof(
    fc.constantFrom(...NAMES),
    fc.string({ unit: fc.constantFrom(...TOKEN), minLength: 1, maxLength: 40 }),
  )
  // hpack.js keeps its table in a plain object, and takes `constructor` for an entry of it.
  .filter((text) => !(text in {}));

/** @param lastCode the highest character: 0xff on the wire, 0x7e where the other side reads UTF-8 */
function value(lastCode: number): fc.Arbitrary<string> {
  const character = fc.integer({ min: 0x20, max: lastCode }).map((c) => String.fromCharCode(c));
  return fc.oneof(fc.constantFrom(...VALUES), fc.string({ unit: character, maxLength: 300 }));
}

/** Header lists of one connection, in the order in which they are sent. */
export function headerLists(lastCode: number): fc.Arbitrary<string[][]> {
  const field = fc.tuple(name, value(lastCode));
  const list = fc.array(field, { maxLength: 30 }).map((fields) => fields.flat());
  return fc.array(list, { minLength: 1, maxLength: 12 });
}
