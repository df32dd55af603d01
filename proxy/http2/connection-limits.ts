/** The limits of a connection that its owner does not set, and the defaults of those that it may. */
export const connectionLimits = {
  connectionWindowBytes: 16 * 1024 * 1024,
  receiveWindowBytes: 256 * 1024,
  headerListBytes: 64 * 1024,
  concurrentStreams: 250,
  /** How long the peer has to take the last bytes of a connection that we end. */
  lingerMs: 1000,
  /** How long the first GOAWAY of two may stay without an answer (RFC 9113, section 6.8). */
  goawayStepMs: 1000,
  /**
   * What may wait for a peer that does not read. DATA stops far below this, so the rest are answers
   * that cost the peer nothing to ask for: acks, resets, header sections (CVE-2019-9512, -9515).
   */
  backlogBytes: 4 * 1024 * 1024,
} as const;
