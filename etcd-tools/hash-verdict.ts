// Which of several hashes of the same revision is the odd one. Pure.

/** One member's answer to HashKV at the common revision. */
export interface HashAnswer {
  readonly memberId: bigint;
  readonly name: string;
  readonly hash: number;
  readonly compactRevision: bigint;
  /** 0 before 3.6. */
  readonly hashRevision: bigint;
}

export type HashVerdict =
  | { readonly kind: 'equal' }
  /** Those of `odd` differ from a majority of the answers. */
  | { readonly kind: 'diverged'; readonly odd: readonly HashAnswer[] }
  /** They differ, and no side has a majority. */
  | { readonly kind: 'ambiguous' }
  /** Compacted at different revisions, so that the hashes cover different history. */
  | { readonly kind: 'not comparable'; readonly detail: string };

export function judgeHashes(answers: readonly HashAnswer[]): HashVerdict {
  const compactions = Map.groupBy(answers, ({ compactRevision }) => compactRevision);
  if (compactions.size > 1) {
    const parts = answers.map(({ name, compactRevision }) => `${name} at ${compactRevision}`);
    return { kind: 'not comparable', detail: `compacted differently: ${parts.join(', ')}` };
  }
  // Members before 3.6 do not tell what revision the hash is of; they hash what they are asked for.
  const revisions = new Set(answers.map(({ hashRevision }) => hashRevision).filter((r) => r > 0n));
  if (revisions.size > 1) {
    const parts = answers.map(({ name, hashRevision }) => `${name} of ${hashRevision}`);
    return { kind: 'not comparable', detail: `of different revisions: ${parts.join(', ')}` };
  }
  const groups = [...Map.groupBy(answers, ({ hash }) => hash).values()];
  if (groups.length <= 1) return { kind: 'equal' };
  const majority = groups.find((group) => group.length * 2 > answers.length);
  if (majority === undefined) return { kind: 'ambiguous' };
  return { kind: 'diverged', odd: answers.filter((answer) => !majority.includes(answer)) };
}
