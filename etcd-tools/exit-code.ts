// What the commands of evenkeel-etcd end with. A script that only asks "is it bad?" tests for 0; one
// that pages somebody tests for 2.
import type { ExitCode } from '../common/exit-code.ts';

/**
 * 2 has two meanings because etcdctl's users know it for a wrong flag. They are told apart by the
 * outputs: wrong usage writes one line that begins with `error:` to stderr and nothing to stdout; a
 * diverged member is a report on stdout.
 */
export const ETCD_EXIT = {
  /** All was looked at, and all is well. */
  ok: 0,
  /** A warning, or a gate that is shut. */
  warning: 1,
  /** Two members proved to hold different data. */
  diverged: 2,
  /** Called wrongly: an unknown flag, a bad value, a file that cannot be read. */
  usage: 2,
  /** Could not be found out: members that do not answer, no quorum, no permission. */
  unknown: 3,
} as const satisfies Readonly<Record<string, ExitCode>>;

/** For help texts and the README. */
export const EXIT_CODE_LINES: readonly string[] = [
  '0  all is well',
  '1  a warning, or a failed gate',
  '2  a member has diverged; or, with "error:" on stderr and nothing on stdout, wrong usage',
  '3  unknown: members that do not answer, no quorum, no permission',
];

// Proven trouble outranks what could not be seen, and that outranks a warning: whoever reads only
// the code must not take a blind spot for health.
const SEVERITY: readonly ExitCode[] = [
  ETCD_EXIT.ok,
  ETCD_EXIT.warning,
  ETCD_EXIT.unknown,
  ETCD_EXIT.diverged,
];

/** The gravest of several; `ok` when there is none. */
export function worstExit(codes: readonly ExitCode[]): ExitCode {
  return codes.reduce<ExitCode>(
    (worst, code) => (SEVERITY.indexOf(code) > SEVERITY.indexOf(worst) ? code : worst),
    ETCD_EXIT.ok,
  );
}
