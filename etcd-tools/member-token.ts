// The one token of one endpoint. Every authentication is a raft entry, so it is asked for once, kept
// for all calls, and asked for again only when the member has refused it: members forget simple
// tokens when they restart, and after five minutes (--auth-token-ttl).

const MIN_LIFE_MS = 2000;
const RETRY_PAUSE_MS = 1000;

/** Undefined stands for calls without a token. */
export type Token = string | undefined;

/** Keeps the token that `authenticate` gives. */
export class TokenKeeper {
  readonly #authenticate: () => Promise<Token>;
  readonly #now: () => number;
  #current: Promise<Token> | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(authenticate: () => Promise<Token>, now: () => number) {
    this.#authenticate = authenticate;
    this.#now = now;
  }

  /** Calls at the same time wait for one token together. Rejects as `authenticate` does. */
  current(): Promise<Token> {
    // Where authentication just failed, ten calls of one round need not fail ten times.
    this.#current ??= this.#ask();
    return this.#current;
  }

  /**
   * What to use in place of a refused token; undefined when there is nothing newer, since a member
   * that refuses fresh tokens would else be given one raft entry after the other.
   */
  async replacementOf(refused: Token): Promise<Token> {
    const known = this.current();
    const token = await known;
    if (token !== refused) return token;
    // Where these differ, another call that was refused was quicker.
    if (this.#current === known) {
      if (this.#now() - this.#askedAtMs < MIN_LIFE_MS) return undefined;
      this.#current = this.#ask();
    }
    return await this.current();
  }

  #ask(): Promise<Token> {
    this.#askedAtMs = this.#now();
    const asked = this.#authenticate();
    asked.catch(() => {
      setTimeout(() => {
        if (this.#current === asked) this.#current = undefined;
      }, RETRY_PAUSE_MS).unref();
    });
    return asked;
  }
}
