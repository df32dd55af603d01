import { createHmac, hkdfSync } from 'node:crypto';

const PURPOSE = 'evenkeel: names of callers with a token';
const KEY_BYTES = 32;
/** 24 bits: enough to tell some thousands apart, and too few to say anything of a token. */
const SHOWN_DIGITS = 6;

const HIGH_PRIME = 0x9e3779b1;
const LOW_PRIME = 0x01000193;
/** Of each end of a token. */
const FINGERPRINT_LENGTH = 32;

/**
 * Names for who sends a token, which itself must never be shown. What a token says of its bearer is
 * not shown either: nobody but the apiserver can tell whether it is true.
 *
 * The key is derived from the private key that the door listens with. All workers have it, and all
 * doors with the same certificate: the same token has the same name everywhere, also after a restart,
 * and nobody without the key can try out which token it is.
 */
export class CallerNames {
  private readonly key: Buffer;

  constructor(listenKeyPem: string) {
    this.key = Buffer.from(hkdfSync('sha256', listenKeyPem, '', PURPOSE, KEY_BYTES));
  }

  ofToken(token: string): string {
    const digits = createHmac('sha256', this.key).update(token).digest('hex');
    return `bearer #${digits.slice(0, SHOWN_DIGITS)}`;
  }
}

/**
 * Tells the tokens of one connection apart, at a tenth of a MAC's cost: who makes two that look alike
 * is only taken for himself. Of a JWT the end is its signature.
 */
export function fingerprintOf(token: string): number {
  const { length } = token;
  const headEnd = Math.min(length, FINGERPRINT_LENGTH);
  let high = length;
  let low = 0;
  for (let i = 0; i < headEnd; i += 1) {
    high = Math.imul(high ^ token.charCodeAt(i), HIGH_PRIME);
    low = Math.imul(low ^ token.charCodeAt(i), LOW_PRIME);
  }
  for (let i = Math.max(headEnd, length - FINGERPRINT_LENGTH); i < length; i += 1) {
    high = Math.imul(high ^ token.charCodeAt(i), HIGH_PRIME);
    low = Math.imul(low ^ token.charCodeAt(i), LOW_PRIME);
  }
  // 53 bits are what a number holds exactly.
  return (high >>> 0) * 2 ** 21 + (low >>> 11);
}
