// The row of the table of what is known against releases of etcd.
import type { VersionRange } from './version.ts';

/**
 * `divergence`: members come to hold different data. `loss`: acknowledged writes are gone.
 * `start`: a member does not start or dies. `read`: a wrong or late answer. `false-alarm`: CORRUPT
 * is raised, or blamed on somebody, without cause. `members`: the list of members is wrong.
 */
export type Harm = 'divergence' | 'loss' | 'start' | 'read' | 'false-alarm' | 'members' | 'lease';

/** One row of the table. */
export interface Advisory {
  /** Etcd's issue, or the security advisory. */
  readonly id: string;
  readonly harm: Harm;
  readonly affected: readonly VersionRange[];
  /**
   * True when the range is where it was seen and no cause is known: nobody can say that another
   * version is free of it.
   */
  readonly reportedOnly?: true;
  readonly condition: string;
  readonly symptom: string;
  /** Releases with the fix, oldest first; empty when there is none. */
  readonly fixedIn: readonly string[];
  readonly source: string;
}
