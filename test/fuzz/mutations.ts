// What can happen to a recorded connection on its way: to its frames, and to its bytes.
import fc from 'fast-check';
import { frame, PREFACE, parseFrames } from '../../tools/http2-frames.ts';
import type { Role } from './hardened-connection.ts';

export interface Mutation {
  readonly kind: (typeof KINDS)[number];
  /** Where, taken modulo what there is. */
  readonly at: number;
  readonly value: number;
  readonly bytes: Uint8Array;
}

const KINDS = [
  'flip a byte',
  'drop a frame',
  'repeat a frame',
  'move a frame',
  'new type',
  'new flags',
  'new stream',
  'new payload',
  'new frame',
  'wrong length',
  'cut off',
] as const;

/** Numbers at which code turns. */
const edge = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, 4, 5, 8, 9, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff),
  fc.nat(0xff),
  fc.nat(0xffff_ffff),
);

const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom(...KINDS),
  at: fc.nat(10_000),
  value: edge,
  bytes: fc.uint8Array({ maxLength: 40 }),
});

export const mutations = fc.array(mutation, { minLength: 1, maxLength: 12 });
/** How the result is cut into pieces: sizes, used again and again. */
export const cuts = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 6 });

export function mutate(role: Role, recorded: Buffer, list: readonly Mutation[]): Buffer {
  const prefaceBytes = role === 'server' ? PREFACE.length : 0;
  const { frames, rest } = parseFrames(recorded.subarray(prefaceBytes));
  const parts: Buffer[] = frames.map(({ type, flags, streamId, payload }) =>
    frame(type, flags, streamId, payload),
  );
  parts.push(rest);
  for (const one of list) mutateFrames(parts, one);
  let bytes: Buffer = Buffer.concat([recorded.subarray(0, prefaceBytes), ...parts]);
  for (const one of list) bytes = mutateBytes(bytes, one);
  return bytes;
}

function mutateFrames(parts: Buffer[], { kind, at, value, bytes }: Mutation): void {
  const index = at % parts.length;
  const part = Buffer.from(parts[index] ?? []);
  switch (kind) {
    case 'drop a frame':
      parts.splice(index, 1, Buffer.alloc(0));
      return;
    case 'repeat a frame':
      // Often enough to meet limits.
      parts.splice(index, 0, ...Array.from({ length: value % 40 }, () => part));
      return;
    case 'move a frame':
      parts.push(...parts.splice(index, 1));
      return;
    case 'new frame':
      parts.splice(index, 0, frame(value % 12, at & 0xff, (value >>> 4) % 16, Buffer.from(bytes)));
      return;
    default:
      if (part.length < 9) return;
      parts[index] = mutateFrame(part, kind, value, bytes);
  }
}

function mutateFrame(
  part: Buffer,
  kind: Mutation['kind'],
  value: number,
  bytes: Uint8Array,
): Buffer {
  if (kind === 'new type') part[3] = value % 12;
  if (kind === 'new flags') part[4] = value;
  if (kind === 'new stream') part.writeUInt32BE(value >>> 0, 5);
  if (kind === 'wrong length') part.writeUIntBE(value & 0xff_ffff, 0, 3);
  if (kind === 'new payload') {
    return frame(part[3] ?? 0, part[4] ?? 0, part.readUInt32BE(5), Buffer.from(bytes));
  }
  return part;
}

function mutateBytes(input: Buffer, { kind, at, value }: Mutation): Buffer {
  if (kind === 'cut off') return input.subarray(0, at % (input.length + 1));
  if (kind === 'flip a byte' && input.length > 0) {
    const index = (at * 7919) % input.length;
    input[index] = (input[index] ?? 0) ^ (value & 0xff || 1);
  }
  return input;
}

export function cut(input: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, i = 0; at < input.length; i++) {
    const end = at + (sizes[i % sizes.length] ?? 1);
    pieces.push(input.subarray(at, end));
    at = end;
  }
  return pieces;
}
