/** One number for each word of a closed set, all shown from the start: rates need the zero. */
export class Counts<Word extends string> {
  private readonly byWord: Map<Word, number>;

  constructor(words: readonly Word[]) {
    this.byWord = new Map(words.map((word) => [word, 0]));
  }

  get all(): Iterable<[Word, number]> {
    return this.byWord;
  }

  add(word: Word): void {
    this.byWord.set(word, (this.byWord.get(word) ?? 0) + 1);
  }
}
