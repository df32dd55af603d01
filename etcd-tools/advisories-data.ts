// Advisories, part one: what makes members differ or lose data. The data of advisories.ts; each row
// stands on the issue that it names and on the CHANGELOG of the releases with the fix.
import type { Advisory } from './advisory.ts';

const ISSUES = 'https://github.com/etcd-io/etcd/issues';
const PULLS = 'https://github.com/etcd-io/etcd/pull';

export const ADVISORIES_OF_DATA: readonly Advisory[] = [
  {
    id: '#11651',
    harm: 'divergence',
    affected: [
      { from: '3.0.0', before: '3.3.21' },
      { from: '3.4.0', before: '3.4.8' },
    ],
    condition: 'auth is on, and a member restarts and applies operations on auth again',
    symptom:
      'equal raft index, different revision; the log says "auth: revision in header is old"; ' +
      'etcd_debugging_auth_revision differs',
    fixedIn: ['3.3.21', '3.4.8', '3.5.0'],
    source: `${PULLS}/11652`,
  },
  {
    id: '#13976',
    harm: 'divergence',
    affected: [{ from: '3.3.0', before: '3.4.17' }],
    reportedOnly: true,
    condition: 'the cluster had diverged by #11651 and was upgraded since',
    symptom: 'it goes on diverging: another revision at an equal raft index',
    fixedIn: [],
    source: `${ISSUES}/13976`,
  },
  {
    id: '#13766',
    harm: 'divergence',
    affected: [{ from: '3.5.0', before: '3.5.3' }],
    condition: 'a member is killed under a write load',
    symptom: 'equal raft index, another revision and size; the initial corruption check passes',
    fixedIn: ['3.5.3'],
    source: `${PULLS}/13908`,
  },
  {
    id: '#13922',
    harm: 'divergence',
    affected: [{ from: '3.5.0', before: '3.5.3' }],
    condition: 'a member receives a snapshot, and its old consistent index is written over it',
    symptom: 'equal raft index, another revision, after it has caught up by snapshot',
    fixedIn: ['3.5.3'],
    source: `${PULLS}/13933`,
  },
  {
    id: '#13514',
    harm: 'divergence',
    affected: [{ from: '3.5.0' }],
    condition: 'the binary is put back from 3.5 to 3.4 and then forward again',
    symptom: 'a higher revision on one member, which has applied entries twice',
    fixedIn: [],
    source: `${ISSUES}/13514`,
  },
  {
    id: '#14139',
    harm: 'divergence',
    affected: [{ from: '3.5.4', before: '3.5.5' }],
    reportedOnly: true,
    condition: 'all members were rebooted together',
    symptom: 'another answer, revision and size at each endpoint',
    fixedIn: [],
    source: `${ISSUES}/14139`,
  },
  {
    id: '#14211',
    harm: 'divergence',
    affected: [{ from: '3.4.9', before: '3.4.21' }],
    reportedOnly: true,
    condition: 'not known; power loss is suspected (also #17084, #14083, #16106)',
    symptom:
      'equal raft index, another revision, of the leader in #14083; the member cannot compact and ' +
      'grows to its quota',
    fixedIn: [],
    source: `${ISSUES}/14211`,
  },
  {
    id: '#14355',
    harm: 'divergence',
    affected: [
      { from: '3.4.0', before: '3.4.21' },
      { from: '3.5.0', before: '3.5.5' },
    ],
    condition: 'auth is on, and a member starts without its cache of permissions',
    symptom: 'writes fail to apply on that member alone',
    fixedIn: ['3.4.21', '3.5.5'],
    source: `${PULLS}/14409`,
  },
  {
    id: '#14370',
    harm: 'loss',
    affected: [
      { from: '3.0.0', before: '3.4.21' },
      { from: '3.5.0', before: '3.5.5' },
    ],
    condition: 'a cluster of one member crashes',
    symptom: 'an acknowledged write is gone, and the revision goes back',
    fixedIn: ['3.4.21', '3.5.5'],
    source: `${PULLS}/14424`,
  },
  {
    id: '#14571',
    harm: 'divergence',
    affected: [
      { from: '3.4.20', before: '3.4.22' },
      { from: '3.5.5', before: '3.5.6' },
    ],
    condition: 'auth is on, and a member joins or comes back by a snapshot',
    symptom: 'its revision stands still while its raft index follows',
    fixedIn: ['3.4.22', '3.5.6'],
    source: `${PULLS}/14648`,
  },
  {
    id: '#14685',
    harm: 'divergence',
    affected: [{ from: '3.5.0', before: '3.5.6' }],
    condition: 'a member crashes while it is defragmented',
    symptom: 'its revision is a little higher than that of the others',
    fixedIn: ['3.5.6'],
    source: `${PULLS}/14733`,
  },
  {
    id: '#17780',
    harm: 'loss',
    affected: [
      { from: '3.4.0', before: '3.4.32' },
      { from: '3.5.0', before: '3.5.14' },
    ],
    condition: 'a member panics during a compaction and restarts',
    symptom: 'its revision goes back',
    fixedIn: ['3.4.32', '3.5.14'],
    source: `${PULLS}/17865`,
  },
  {
    id: '#18799',
    harm: 'divergence',
    affected: [{ from: '3.5.0', before: '3.5.17' }],
    condition: 'a write transaction fails half-way',
    symptom: 'part of it is applied on some members',
    fixedIn: ['3.5.17'],
    source: `${PULLS}/18799`,
  },
  {
    id: '#18667',
    harm: 'divergence',
    affected: [{ from: '3.4.0' }, { from: '3.5.0' }, { from: '3.6.0' }],
    condition: 'a write transaction holds a Range at a compacted revision',
    symptom:
      'each one leaves the member that it was sent to one revision behind; equal raft indexes, no ' +
      'alarm',
    fixedIn: ['3.7.0'],
    source: `${PULLS}/21432`,
  },
  {
    id: '#20271',
    harm: 'divergence',
    affected: [
      { from: '3.4.0', before: '3.4.38' },
      { from: '3.5.0', before: '3.5.23' },
      { from: '3.6.0', before: '3.6.5' },
    ],
    condition: 'a member receives a snapshot while it is defragmented',
    symptom: 'panic, or data that may be corrupt',
    fixedIn: ['3.4.38', '3.5.23', '3.6.5'],
    source: `${PULLS}/20653`,
  },
  {
    id: '#20059',
    harm: 'divergence',
    affected: [{ from: '3.5.11', before: '3.5.12' }],
    reportedOnly: true,
    condition: 'not known; very rare, after a restart',
    symptom: 'members hold different data',
    fixedIn: [],
    source: `${ISSUES}/20059`,
  },
];
