import { ConnectionError, ErrorCode } from './errors.ts';
import { PREFACE } from './frame.ts';

/** The fixed bytes with which a client begins (RFC 9113, section 3.4), however they are split. */
export class PrefaceReader {
  private bytesRead = 0;

  get done(): boolean {
    return this.bytesRead === PREFACE.length;
  }

  /** @returns where in `input` the frames begin */
  read(input: Buffer): number {
    const bytes = Math.min(PREFACE.length - this.bytesRead, input.length);
    const expected = PREFACE.subarray(this.bytesRead, this.bytesRead + bytes);
    if (!expected.equals(input.subarray(0, bytes))) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'not an HTTP/2 connection preface');
    }
    this.bytesRead += bytes;
    return bytes;
  }
}
