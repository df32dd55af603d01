import { createHmac, hkdfSync } from 'node:crypto';

const PURPOSE = 'evenkeel: names of callers with a token';
const KEY_BYTES = 32;
/** 24 bits: enough to tell some thousands apart, and too few to say anything of a token. */
const SHOWN_DIGITS = 6;

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
