// Watch frames in the shape of `application/vnd.kubernetes.protobuf;stream=watch`: a four-byte
// length, a WatchEvent without magic, and in it the object with magic inside runtime.Unknown
// (apimachinery pkg/runtime/serializer/protobuf). Only ObjectMeta and Status are filled in: that
// is what a proxy reads, and all that the simulator promises.
import type { JsonObject, StoredObject } from './objects.ts';
import { apiVersion, type Resource } from './resources.ts';

const LENGTH_DELIMITED = 2;
const VARINT = 0;
const MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]); // "k8s" and a zero byte.

/** One frame with the metadata of `object`. */
export function encodeProtobufEvent(
  type: string,
  resource: Resource,
  { metadata }: Pick<StoredObject, 'metadata'>,
): Buffer {
  const meta = Buffer.concat([
    text(1, metadata.name),
    text(3, metadata.namespace),
    text(5, metadata.uid),
    text(6, metadata.resourceVersion),
    ...stringMap(11, metadata.labels),
    ...stringMap(12, metadata.annotations),
  ]);
  return frame(type, apiVersion(resource), resource.kind, bytes(1, meta));
}

/** One ERROR frame with a metav1.Status. */
export function encodeProtobufStatus(status: JsonObject): Buffer {
  const message = Buffer.concat([
    bytes(1, Buffer.alloc(0)),
    text(2, String(status.status)),
    text(3, String(status.message)),
    text(4, String(status.reason)),
    varintField(6, Number(status.code)),
  ]);
  return frame('ERROR', 'v1', 'Status', message);
}

function frame(type: string, version: string, kind: string, message: Buffer): Buffer {
  const meta = Buffer.concat([text(1, version), text(2, kind)]);
  const unknown = Buffer.concat([
    bytes(1, meta),
    bytes(2, message),
    // Unknown.contentEncoding and contentType are written even when empty.
    bytes(3, Buffer.alloc(0)),
    bytes(4, Buffer.alloc(0)),
  ]);
  const extension = bytes(1, Buffer.concat([MAGIC, unknown]));
  const event = Buffer.concat([text(1, type), bytes(2, extension)]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(event.length);
  return Buffer.concat([length, event]);
}

/** A string field; empty and absent strings of metadata are left out. */
function text(field: number, value: string | undefined): Buffer {
  return value ? bytes(field, Buffer.from(value)) : Buffer.alloc(0);
}

function bytes(field: number, value: Buffer): Buffer {
  return Buffer.concat([varint((field << 3) | LENGTH_DELIMITED), varint(value.length), value]);
}

function varintField(field: number, value: number): Buffer {
  return Buffer.concat([varint((field << 3) | VARINT), varint(value)]);
}

function varint(value: number): Buffer {
  const encoded: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    encoded.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  encoded.push(rest);
  return Buffer.from(encoded);
}

function stringMap(field: number, map: Readonly<Record<string, string>> = {}): Buffer[] {
  return Object.entries(map).map(([key, value]) =>
    bytes(field, Buffer.concat([bytes(1, Buffer.from(key)), bytes(2, Buffer.from(value))])),
  );
}
