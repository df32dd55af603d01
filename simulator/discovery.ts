// /api, /apis and below, in the unaggregated form that every client understands, and /version.
import type { JsonObject } from './objects.ts';
import { apiVersion, RESOURCES, type Resource } from './resources.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** The body of a discovery path; undefined when the path is none. */
export function discover(path: string, address: string): JsonObject | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  const [root, group, version] = parts;
  if (root === 'version' && parts.length === 1) return versionInfo();
  if (root === 'api' && parts.length === 1) return apiVersions(address);
  if (root === 'api' && parts.length === 2) return resourceList('', group ?? '');
  if (root !== 'apis') return undefined;
  if (parts.length === 1) return groupList();
  if (parts.length === 2) return groupNamed(group ?? '');
  return parts.length === 3 ? resourceList(group ?? '', version ?? '') : undefined;
}

export const GIT_VERSION = 'v1.34.4';

function versionInfo(): JsonObject {
  return {
    major: '1',
    minor: '34',
    emulationMajor: '1',
    emulationMinor: '34',
    minCompatibilityMajor: '1',
    minCompatibilityMinor: '33',
    gitVersion: GIT_VERSION,
    gitCommit: '',
    gitTreeState: '',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: 'gc',
    platform: 'linux/amd64',
  };
}

function apiVersions(address: string): JsonObject {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
  };
}

function groups(): JsonObject[] {
  const named = RESOURCES.filter(({ group }) => group !== '');
  const versions = new Map(named.map((resource) => [resource.group, resource.version]));
  // Served for SelfSubjectReview alone, which is no stored resource.
  versions.set('authentication.k8s.io', 'v1');
  return [...versions].map(([name, version]) => {
    const served = { groupVersion: `${name}/${version}`, version };
    return { name, versions: [served], preferredVersion: served };
  });
}

function groupList(): JsonObject {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups() };
}

function groupNamed(wanted: string): JsonObject | undefined {
  const group = groups().find(({ name }) => name === wanted);
  return group && { kind: 'APIGroup', apiVersion: 'v1', ...group };
}

function resourceList(group: string, version: string): JsonObject | undefined {
  const served = RESOURCES.filter(
    (resource) => resource.group === group && resource.version === version,
  );
  const resources = served.flatMap(resourceEntries);
  if (group === 'authentication.k8s.io' && version === 'v1') resources.push(SELF_SUBJECT_REVIEW);
  if (resources.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources,
  };
}

const SELF_SUBJECT_REVIEW: JsonObject = {
  name: 'selfsubjectreviews',
  singularName: 'selfsubjectreview',
  namespaced: false,
  kind: 'SelfSubjectReview',
  verbs: ['create'],
};

function resourceEntries(resource: Resource): JsonObject[] {
  const { plural, singular, namespaced, kind, shortNames } = resource;
  const sub = (name: string, verbs: string[], kindOf = kind): JsonObject => ({
    name: `${plural}/${name}`,
    singularName: '',
    namespaced,
    kind: kindOf,
    verbs,
  });
  const streamVerbs = (name: string) => (name === 'log' ? ['get'] : ['create', 'get']);
  return [
    {
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs: VERBS.filter((verb) => verb !== 'deletecollection' || resource.deleteCollection),
      ...(shortNames.length > 0 ? { shortNames: [...shortNames] } : {}),
      storageVersionHash: Buffer.from(`${apiVersion(resource)}/${kind}`).toString('base64'),
    },
    ...resource.streams.map((name) =>
      sub(name, streamVerbs(name), name === 'log' ? kind : STREAM_KINDS[name]),
    ),
    ...(resource.status ? [sub('status', ['get', 'patch', 'update'])] : []),
  ];
}

const STREAM_KINDS: Readonly<Record<string, string>> = {
  attach: 'PodAttachOptions',
  exec: 'PodExecOptions',
  portforward: 'PodPortForwardOptions',
};
