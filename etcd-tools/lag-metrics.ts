// The verdicts as metrics, for `lag -o prometheus` and `serve`. Pure.
import type { WatchedRound } from './lag-watch.ts';
import type { Metric, Sample } from './output.ts';
import { endpointName } from './roster.ts';
import { MEMBER_STATES, type MemberVerdict } from './verdict.ts';

/** Of one round; bounds that are not known are left out. */
export function lagMetrics({ verdict, roster }: WatchedRound): Metric[] {
  const labels = ({ endpoint, id }: MemberVerdict) => ({
    member: endpointName(roster, endpoint, id),
    endpoint,
  });
  const of = (values: (member: MemberVerdict) => readonly Sample[]): Sample[] =>
    verdict.members.flatMap((member) =>
      values(member).map(({ labels: more, value }) => ({
        labels: { ...labels(member), ...more },
        value,
      })),
    );
  return [
    {
      name: 'evenkeel_etcd_member_state',
      help: '1 for the state that the member is in, 0 for all others.',
      samples: of(({ state }) =>
        MEMBER_STATES.map((one) => ({ labels: { state: one }, value: one === state ? 1 : 0 })),
      ),
    },
    {
      name: 'evenkeel_etcd_member_behind_entries',
      help: 'Bounds on how many committed entries the member had not applied.',
      samples: of(({ lag }) => (lag === undefined ? [] : bounds(lag.entries))),
    },
    {
      name: 'evenkeel_etcd_member_behind_revisions',
      help: 'Bounds on how many revisions a serializable read at the member is too old.',
      samples: of(({ lag }) => (lag === undefined ? [] : bounds(lag.revisions))),
    },
    {
      name: 'evenkeel_etcd_member_diverged_revisions',
      help: 'Bounds on how many revisions the member lacks (behind) or has too many (ahead).',
      samples: of(({ blame }) =>
        blame === undefined
          ? []
          : bounds(blame).map(({ labels: bound, value }) => ({
              labels: { direction: blame.direction, ...bound },
              value,
            })),
      ),
    },
    {
      name: 'evenkeel_etcd_member_catch_up_seconds',
      help: 'Until the member has caught up, where it comes closer.',
      samples: of(({ trend, state }) =>
        trend?.etaMs === undefined || state !== 'CATCHING_UP'
          ? []
          : [{ labels: {}, value: trend.etaMs / 1000 }],
      ),
    },
    {
      name: 'evenkeel_etcd_resolution_revisions',
      help: 'The smallest difference between two members that the last round was certain to show.',
      samples: verdict.resolution === undefined ? [] : [{ labels: {}, value: verdict.resolution }],
    },
    {
      name: 'evenkeel_etcd_round_seconds',
      help: 'How long the last round took.',
      samples: [{ labels: {}, value: verdict.tookMs / 1000 }],
    },
  ];
}

function bounds(of: { readonly atLeast: bigint; readonly atMost: bigint | undefined }): Sample[] {
  const lower = { labels: { bound: 'lower' }, value: of.atLeast };
  return of.atMost === undefined
    ? [lower]
    : [lower, { labels: { bound: 'upper' }, value: of.atMost }];
}
