import type { IRawProperty } from 'fast-check';

/** Something that must hold whatever the input; both vitest and `npm run fuzz` look for exceptions. */
export interface Law {
  /** As in `npm run fuzz -- --law NAME`. */
  readonly name: string;
  /** One sentence. */
  readonly title: string;
  /** Makes it anew for each run: a property may learn while it runs. */
  property(): IRawProperty<unknown>;
}
