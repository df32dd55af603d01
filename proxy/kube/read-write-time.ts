// Reads the time at which an object was written. Of few events, and apart from the framing, which has
// to be quick for all of them.
import type { WriteTime } from './write-time.ts';
import { writeTimeInJson } from './write-time-json.ts';
import { writeTimeInProtobuf } from './write-time-protobuf.ts';

const OPEN_BRACE = 0x7b;

/**
 * Undefined when the event shows none, and for an object that is being deleted: its last write may
 * be the deletion, which no field tells.
 * @param bytes a whole ADDED or MODIFIED as the framer cuts it
 * @param isLease whether spec.renewTime is to be asked first
 */
export function readWriteTime(bytes: Buffer, isLease: boolean): WriteTime | undefined {
  // A protobuf frame begins with its length, and this byte would make it two gigabytes.
  const read = bytes[0] === OPEN_BRACE ? writeTimeInJson : writeTimeInProtobuf;
  return read(bytes, isLease);
}
