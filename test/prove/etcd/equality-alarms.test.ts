import { expect, test } from 'vitest';
import { equalityAlarms } from '../../../prove/etcd/equality-alarms.ts';
import type { LagRound, SeenMember, SeenStatus } from '../../../prove/etcd/lag-round.ts';

const STATUS: SeenStatus = {
  version: '"3.6.14"',
  revision: '"8"',
  raftTerm: '"2"',
  raftIndex: '"20"',
  raftAppliedIndex: '"20"',
  leader: '"a"',
  alarms: '[]',
};

function member(status: SeenStatus | undefined): SeenMember {
  return { name: 'm', state: 'OK', difference: undefined, etaMs: undefined, proof: '', status };
}

/** One each half second; `.` is equal, `x` has a difference, `-` lacks an answer. */
function rounds(text: string): LagRound[] {
  const others: Readonly<Record<string, SeenStatus | undefined>> = {
    '.': STATUS,
    x: { ...STATUS, revision: '"9"' },
  };
  return [...text].map((sign, index) => ({
    number: index + 1,
    tookMs: 1,
    seenAtMs: index * 500,
    members: [member(STATUS), member(others[sign])],
  }));
}

test.each([
  { text: '.....', single: 0, retried: 0, tried: 1 },
  { text: 'xxxxx', single: 5, retried: 1, tried: 1 },
  // Its looks are a second apart: what differs between them it does not see.
  { text: '.x.x.', single: 2, retried: 0, tried: 1 },
  { text: 'x.x.x', single: 3, retried: 1, tried: 1 },
  { text: 'xx', single: 2, retried: 0, tried: 0 },
  // Right to complain.
  { text: '-----', single: 0, retried: 0, tried: 1 },
])(
  '$text is $single alarms by one look, and $retried of $tried with retries',
  ({ text, ...wanted }) => {
    expect(equalityAlarms(rounds(text))).toEqual(wanted);
  },
);
