import { ConnectionError, ErrorCode } from './errors.ts';
import { MAX_FRAME_BYTES, MAX_INT31 } from './frame.ts';

/** Settings (RFC 9113, section 6.5.2) as one side announces them. */
export interface Settings {
  /** Largest HPACK dynamic table its decoder keeps, in bytes. */
  headerTableBytes: number;
  enablePush: boolean;
  maxConcurrentStreams: number;
  initialWindowBytes: number;
  maxFrameBytes: number;
  /** Advisory: the largest field section it accepts, counted as RFC 9113 section 10.5.1 does. */
  maxHeaderListBytes: number;
}

/** The window, of the connection and of each stream, that holds before any settings. */
export const INITIAL_WINDOW_BYTES = 65_535;

const Id = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const;

/** The values that hold until a SETTINGS frame says otherwise. */
export function initialSettings(): Settings {
  return {
    headerTableBytes: 4096,
    enablePush: true,
    maxConcurrentStreams: Number.POSITIVE_INFINITY,
    initialWindowBytes: INITIAL_WINDOW_BYTES,
    maxFrameBytes: MAX_FRAME_BYTES,
    maxHeaderListBytes: Number.POSITIVE_INFINITY,
  };
}

/** Encodes only what differs from the initial values, as pairs of (16-bit id, 32-bit value). */
export function encodeSettings(settings: Partial<Settings>): Buffer {
  const pairs: [number, number][] = [];
  if (settings.headerTableBytes !== undefined) {
    pairs.push([Id.HEADER_TABLE_SIZE, settings.headerTableBytes]);
  }
  if (settings.enablePush === false) pairs.push([Id.ENABLE_PUSH, 0]);
  if (settings.maxConcurrentStreams !== undefined) {
    pairs.push([Id.MAX_CONCURRENT_STREAMS, settings.maxConcurrentStreams]);
  }
  if (settings.initialWindowBytes !== undefined) {
    pairs.push([Id.INITIAL_WINDOW_SIZE, settings.initialWindowBytes]);
  }
  if (settings.maxHeaderListBytes !== undefined) {
    pairs.push([Id.MAX_HEADER_LIST_SIZE, settings.maxHeaderListBytes]);
  }
  const payload = Buffer.alloc(pairs.length * 6);
  for (const [index, [id, value]] of pairs.entries()) {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  }
  return payload;
}

/** Applies a SETTINGS payload in order; an invalid value is a connection error. */
export function applySettings(settings: Settings, payload: Buffer): void {
  for (let offset = 0; offset < payload.length; offset += 6) {
    applySetting(settings, payload.readUInt16BE(offset), payload.readUInt32BE(offset + 2));
  }
}

function applySetting(settings: Settings, id: number, value: number): void {
  switch (id) {
    case Id.HEADER_TABLE_SIZE:
      settings.headerTableBytes = value;
      break;
    case Id.ENABLE_PUSH:
      if (value > 1) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `ENABLE_PUSH ${value}`);
      settings.enablePush = value === 1;
      break;
    case Id.MAX_CONCURRENT_STREAMS:
      settings.maxConcurrentStreams = value;
      break;
    case Id.INITIAL_WINDOW_SIZE:
      if (value > MAX_INT31) {
        throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, `INITIAL_WINDOW_SIZE ${value}`);
      }
      settings.initialWindowBytes = value;
      break;
    case Id.MAX_FRAME_SIZE:
      if (value < MAX_FRAME_BYTES || value > 0xff_ffff) {
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `MAX_FRAME_SIZE ${value}`);
      }
      settings.maxFrameBytes = value;
      break;
    case Id.MAX_HEADER_LIST_SIZE:
      settings.maxHeaderListBytes = value;
      break;
    default:
    // Unknown settings are ignored (RFC 9113, section 6.5.2).
  }
}
