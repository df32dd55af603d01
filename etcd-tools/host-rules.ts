// What etcd's API does not tell: disks, flags, files. Each with the command that tells it. Pure.

import { largest } from './bigints.ts';
import { type Finding, failed, note, onHost, passed, type Rule } from './check-item.ts';
import { leaderName } from './cluster-rules.ts';
import { answering, leaderId } from './cluster-view.ts';
import { formatBytes } from './output.ts';
import { stepOf, type UpgradeFacts } from './upgrade-facts.ts';

export const HOST_RULES: readonly Rule<UpgradeFacts>[] = [
  { id: 'snapshot', title: 'there is a snapshot to go back to', check: snapshot },
  { id: 'disk', title: 'disks have room for twice the database', check: disk },
  { id: 'latency', title: 'disks and network are quick enough', check: latency },
  { id: 'v2-store', title: 'nothing is left in the v2 store', check: v2Store },
  { id: 'flags', title: 'the target knows every flag', check: flags },
];

const FLAG_FILES = '/etc/systemd/system/etcd.service /etc/etcd /etc/kubernetes/manifests/etcd.yaml';
// Writes go on, so that a snapshot grows old.
const OLD_SNAPSHOT_MS = 60 * 60_000;

function snapshot({ view, snapshot: file }: UpgradeFacts): Finding {
  const leader = leaderId(answering(view).map(({ status }) => status));
  const from = leader === undefined ? 'the leader' : leaderName(view, leader);
  const endpoints = view.members.map(({ endpoint }) => endpoint).join(',');
  if (file === undefined) {
    return onHost(`none was named; take one of ${from}, and name it by --snapshot`, [
      `evenkeel-etcd snapshot --endpoints ${endpoints} --out FILE`,
    ]);
  }
  if (file.problem !== undefined) return failed(file.problem);
  const what = `${file.path}: ${formatBytes(file.sizeBytes)}, its hash is right`;
  const look = [`etcdutl snapshot status ${file.path} -w table  # its revision`];
  const minutes = Math.round(file.ageMs / 60_000);
  if (file.ageMs > OLD_SNAPSHOT_MS) return note(`${what}, but it is ${minutes} minutes old`, look);
  return passed(`${what}, ${minutes} minutes old`);
}

function disk({ view }: UpgradeFacts): Finding {
  const size = largest(answering(view).map(({ status }) => status.dbSizeBytes));
  return onHost(`${formatBytes(2n * size)} free on every member`, ['df -h DATA-DIR']);
}

/** The limits of etcd's FAQ and of its mixin (contrib/mixin/alerts/alerts.libsonnet). */
function latency(): Finding {
  const quantile = (metric: string, limit: string): string =>
    `histogram_quantile(0.99, sum by (instance, le) (rate(${metric}_bucket[5m]))) < ${limit}`;
  return onHost('in Prometheus, of every member', [
    quantile('etcd_disk_wal_fsync_duration_seconds', '0.01'),
    quantile('etcd_disk_backend_commit_duration_seconds', '0.025'),
    quantile('etcd_network_peer_round_trip_time_seconds', '0.15'),
  ]);
}

function v2Store(facts: UpgradeFacts): Finding | undefined {
  const step = stepOf(facts);
  if (step?.kind !== 'upgrade') return undefined;
  if (step.to === '3.5') {
    return onHost('more than 50 MB of it: wait two minutes between members', [
      'ETCDCTL_API=2 etcdctl ls --recursive | head  # where --enable-v2 is set',
    ]);
  }
  if (step.to !== '3.6') return undefined;
  return onHost(
    'a member of 3.6 does not start while there are entries of the v2 API in its log (etcd issue ' +
      '20870); every GET /health at a member of 3.4 was one, so a cluster that was 3.4 not long ' +
      'has them until each member has made a snapshot',
    V2_LOG_COMMANDS,
  );
}

/** On the host of each member of 3.5. */
export const V2_LOG_COMMANDS: readonly string[] = [
  'etcdutl check v2store --data-dir DATA-DIR --wal-dir WAL-DIR  # etcdutl of 3.5.32 or a later 3.5; 3.6 has no such command',
  'etcd --snapshot-count=100 ...  # where it finds any: restart so, wait for "saved snapshot" in the log, restart as before',
];

/** Flags that a member of the target does not start with, or that mean something else there. */
const GONE_FLAGS: Readonly<Record<string, { readonly pattern: string; readonly detail: string }>> =
  {
    '3.5': {
      pattern: '--(logger=capnslog|log-output|debug|log-package-levels)',
      detail: 'gone: --logger=capnslog, --log-output, --debug, --log-package-levels',
    },
    '3.6': {
      pattern: '--(enable-v2|experimental-enable-v2v3|proxy|experimental-)',
      detail:
        'gone: --enable-v2, --experimental-enable-v2v3, --proxy*; many --experimental-* have new ' +
        'names; --snapshot-count is 10000 by default, --discovery-fallback exit',
    },
    '3.7': {
      pattern: '--(experimental-|v2-deprecation)',
      detail: 'gone: every --experimental-*; a member with one does not start',
    },
  };

function flags(facts: UpgradeFacts): Finding | undefined {
  const step = stepOf(facts);
  const gone = step?.kind === 'upgrade' ? GONE_FLAGS[step.to] : undefined;
  if (gone === undefined) return undefined;
  return onHost(`${gone.detail}; on every member`, [
    `grep -rnE -e '${gone.pattern}' ${FLAG_FILES}`,
  ]);
}
