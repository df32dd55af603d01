/** Below this an allocation comes out of Node's own pool, and costs less than to keep a buffer. */
const MIN_BYTES = 8 * 1024;
/** One turn of one connection gathers less than this; what is larger is not kept. */
const MAX_BYTES = 512 * 1024;
/** What is kept for later, for all connections together. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

/**
 * Buffers for what leaves, used again and again. A new one for each write would be garbage outside
 * of the JavaScript heap: the collector hardly sees its weight, so it would lie about in megabytes,
 * and large ones cost the system a page fault for each 4 KiB.
 */
export class WriteBuffers {
  private readonly free: Buffer[][] = [];
  private keptBytes = 0;

  /** A buffer of at least so many bytes, whose content is arbitrary. */
  take(bytes: number): Buffer {
    if (bytes < MIN_BYTES) return Buffer.allocUnsafe(bytes);
    if (bytes > MAX_BYTES) return Buffer.allocUnsafeSlow(bytes);
    const size = sizeClass(bytes);
    const kept = this.free[size]?.pop();
    if (kept === undefined) return Buffer.allocUnsafeSlow(MIN_BYTES << size);
    this.keptBytes -= kept.length;
    return kept;
  }

  /** Nobody reads the buffer any more. One that did not come from `take` is not kept. */
  give(buffer: Buffer): void {
    const { length } = buffer;
    const size = sizeClass(length);
    if (length > MAX_BYTES || length !== MIN_BYTES << size) return;
    if (this.keptBytes + length > MAX_KEPT_BYTES) return;
    this.keptBytes += length;
    const others = this.free[size];
    if (others === undefined) this.free[size] = [buffer];
    else others.push(buffer);
  }
}

/** 0 for up to MIN_BYTES, and one more for each doubling. */
function sizeClass(bytes: number): number {
  return bytes <= MIN_BYTES ? 0 : 32 - Math.clz32((bytes - 1) / MIN_BYTES);
}
