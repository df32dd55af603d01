/**
 * What every program of this repository ends with. 0 to 2 mean what they mean to etcdctl's users; 3
 * is apart so that a script can tell "the cluster is unwell" from "the tool could not work".
 */
export const EXIT_CODE = {
  /** Done, and the answer is good. */
  ok: 0,
  /** Could not do the work: an unexpected failure, a refused connection, a full disk. */
  failure: 1,
  /** Called wrongly: an unknown flag, a bad value, a bad configuration file. */
  usage: 2,
  /** Did the work, and what was checked did not pass. */
  checkFailed: 3,
} as const;

export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE];
