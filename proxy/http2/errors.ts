/** HTTP/2 error codes (RFC 9113, section 7). */
export const ErrorCode = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  SETTINGS_TIMEOUT: 0x4,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  CONNECT_ERROR: 0xa,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
  HTTP_1_1_REQUIRED: 0xd,
} as const;

const namesByCode: readonly string[] = Object.keys(ErrorCode);

/** The RFC's name of a code, or its number in hex when it has none. */
export function errorName(code: number): string {
  return namesByCode[code] ?? `0x${code.toString(16)}`;
}

/**
 * The connection cannot go on (RFC 9113, section 5.4.1). Thrown while input is read, caught in one
 * place, answered with GOAWAY.
 */
export class ConnectionError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(`${errorName(code)}: ${message}`);
    this.code = code;
  }
}

/** What is known of something thrown that should not have been. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
