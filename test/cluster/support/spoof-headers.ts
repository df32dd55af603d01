// Spellings of the headers by which an apiserver is told who is asking.

/** Name and value; several values of one name are one row each. */
export type Field = readonly [name: string, value: string];

const MASTERS = 'system:masters';

/** Names that some server takes for X-Remote-User, -Group, -Uid or -Extra-*. */
const NAMES: readonly Field[] = [
  ...['X-Remote-User', 'x-remote-user', 'X-REMOTE-USER', 'x-ReMoTe-UsEr', 'X-Remote_User'],
  ...['X_Remote_User', 'x_remote_user', 'X_REMOTE_USER', 'x-remote_user', 'x.remote.user'],
  ...['X-Remote.User', 'x_remote.user', 'x~remote~user', 'x|remote|user', "x'remote'user"],
  ...['x!remote!user', 'x#remote#user', 'x$remote$user', 'x%remote%user', 'x&remote&user'],
  ...['x*remote*user', 'x+remote+user', 'x^remote^user', 'x`remote`user', 'X-Remote-User-'],
]
  .map((name): Field => [name, 'admin'])
  .concat(
    ['X-Remote-Group', 'x-remote-group', 'X-REMOTE-GROUP', 'X_Remote_Group', 'x.remote.group'].map(
      (name): Field => [name, MASTERS],
    ),
    ['X-Remote-Groups', 'X-Remote-Uid', 'x-remote-uid', 'X_REMOTE_UID', 'x.remote.uid'].map(
      (name): Field => [name, 'uid-admin'],
    ),
    [
      'X-Remote-Extra-Scopes',
      'x-remote-extra-scopes',
      'X_Remote_Extra_Scopes',
      'x-remote-extra-',
    ].map((name): Field => [name, 'everything']),
    ['X-Remote-Extra-authentication.kubernetes.io%2fcredential-id', 'x-remote-extra-%2e'].map(
      (name): Field => [name, 'X509SHA256=00'],
    ),
  );

const USER: Field = ['X-Remote-User', 'admin'];
const GROUP: Field = ['X-Remote-Group', MASTERS];

/** Sets of fields that try to be read as one header, or to take off what the door puts on. */
const SETS: readonly (readonly Field[])[] = [
  [USER, GROUP],
  [USER, ['X-Remote-User', 'root'], GROUP, ['X-Remote-Group', 'system:nodes']],
  [['X-Remote-User', ''], USER],
  [['X-Remote-User', ' admin ']],
  [['X-Remote-User', 'admin, root']],
  [['X-Remote-Group', 'a, system:masters']],
  [USER, GROUP, ['Connection', 'X-Remote-User, X-Remote-Group']],
  [USER, ['Connection', 'keep-alive, x-remote-user']],
  [['Connection', 'X-Remote-User, X-Remote-Group, X-Remote-Uid']],
  [['Connection', 'X-Forwarded-For']],
  [USER, ['Keep-Alive', 'X-Remote-User']],
  [['Proxy-Connection', 'X-Remote-User'], USER],
  [['Forwarded', 'for=admin'], ['X-Forwarded-User', 'admin'], USER],
  [['X-Forwarded-Uri', '/healthz'], ['X-Original-URL', '/healthz'], GROUP],
];

export const SPOOFS: readonly (readonly Field[])[] = [...NAMES.map((field) => [field]), ...SETS];

/** Upstream names that mean an identity however punctuation is read. */
export function saysIdentity(name: string): boolean {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '-')
    .startsWith('x-remote-');
}
