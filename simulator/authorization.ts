// Who may do what. Instead of RBAC there is one rule: members of the allowed groups may do
// everything, everyone else only what kube-apiserver's default roles give to everyone
// (plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go: system:public-info-viewer for all,
// system:discovery and system:basic-user for the authenticated), and the paths of system:monitoring
// to its group. Refusals use the real words.
import { pairs } from './authentication.ts';
import { type Exchange, header, headerValues } from './exchange.ts';
import type { Identity } from './identity.ts';
import type { ResourceRequest } from './request-path.ts';
import { forbidden, type StatusError } from './status.ts';

const PUBLIC_PATHS = new Set(['/healthz', '/livez', '/readyz', '/version', '/version/']);
const DISCOVERY_PATH = /^\/(api|apis|openapi)(\/|$)/;
const MONITORING_GROUP = 'system:monitoring';
const MONITORING_PATH = /^\/(metrics(\/slis)?|(livez|readyz|healthz)(\/.*)?)$/;
const IMPERSONATE_EXTRA = 'impersonate-extra-';

/** What is asked for: a resource, or a path that is none. */
export type Target = Pick<ResourceRequest, 'namespace' | 'name' | 'subresource' | 'verb'> & {
  readonly resource: { readonly group: string; readonly plural: string };
};

/** A 403 Status when `identity` may not act on the resource. */
export function refuseResource(
  identity: Identity,
  target: Target,
  allowedGroups: readonly string[],
): StatusError | undefined {
  if (isAllowed(identity, allowedGroups)) return undefined;
  const { resource, namespace, name, subresource, verb } = target;
  const what = subresource ? `${resource.plural}/${subresource}` : resource.plural;
  const where = namespace ? `in the namespace "${namespace}"` : 'at the cluster scope';
  return forbidden(
    `User "${identity.username}" cannot ${verb} resource "${what}" in API group "${resource.group}" ${where}`,
    { resource, ...(name ? { name } : {}) },
  );
}

/** A 403 Status when `identity` may not use a path outside the resource API. */
export function refusePath(
  identity: Identity,
  verb: string,
  path: string,
  allowedGroups: readonly string[],
): StatusError | undefined {
  if (PUBLIC_PATHS.has(path) || isAllowed(identity, allowedGroups)) return undefined;
  if (identity.groups.includes('system:authenticated') && DISCOVERY_PATH.test(path)) {
    return undefined;
  }
  if (identity.groups.includes(MONITORING_GROUP) && MONITORING_PATH.test(path)) return undefined;
  return forbidden(`User "${identity.username}" cannot ${verb} path "${path}"`);
}

/** The user to act as: Impersonate-* of somebody who may, else the user itself or a 403. */
export function impersonated(
  identity: Identity,
  exchange: Exchange,
  allowedGroups: readonly string[],
): Identity | StatusError {
  const username = header(exchange, 'impersonate-user');
  if (username === undefined) return identity;
  const refusal = refuseResource(
    identity,
    {
      resource: { group: '', plural: 'users' },
      namespace: undefined,
      name: username,
      subresource: undefined,
      verb: 'impersonate',
    },
    allowedGroups,
  );
  if (refusal) return refusal;
  const uid = header(exchange, 'impersonate-uid');
  const groups = headerValues(exchange, 'impersonate-group');
  return {
    username,
    ...(uid ? { uid } : {}),
    groups: [...groups, 'system:authenticated'],
    ...impersonatedExtra(exchange),
  };
}

function impersonatedExtra(exchange: Exchange): Pick<Identity, 'extra'> {
  const extra: Record<string, string[]> = {};
  for (const [name, value] of pairs(exchange.rawHeaders)) {
    const lower = name.toLowerCase();
    if (!lower.startsWith(IMPERSONATE_EXTRA)) continue;
    const key = lower.slice(IMPERSONATE_EXTRA.length);
    extra[key] = [...(extra[key] ?? []), value];
  }
  return Object.keys(extra).length > 0 ? { extra } : {};
}

function isAllowed({ groups }: Identity, allowedGroups: readonly string[]): boolean {
  return groups.some((group) => allowedGroups.includes(group));
}
