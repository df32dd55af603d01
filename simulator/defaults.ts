// What kube-apiserver fills in on create, as far as clients and controllers rely on it
// (pkg/apis/core/v1/defaults.go and the strategies' PrepareForCreate).
import type { SentObject } from './body.ts';
import { isJsonObject, type JsonObject } from './objects.ts';
import type { Resource } from './resources.ts';
import type { NewObject } from './store.ts';

/** metadata that the server decides. */
export interface ServerMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly creationTimestamp: string;
}

/** The object to store for a create: identity from the server, defaults by kind. */
export function withDefaults(
  resource: Resource,
  sent: SentObject,
  decided: ServerMetadata,
): NewObject {
  const { kind: _kind, apiVersion: _version, ...fields } = sent;
  const { managedFields: _managed, ...metadata } = sent.metadata;
  const object = { ...fields, metadata: { ...metadata, ...decided } };
  switch (resource.kind) {
    case 'Namespace':
      return namespaceDefaults(object, decided.name);
    case 'Pod':
      return { ...object, status: { phase: 'Pending', qosClass: 'BestEffort' } };
    case 'Secret':
      return { ...object, type: fields.type ?? 'Opaque' };
    case 'Service':
      return serviceDefaults(object);
    case 'Lease':
      return { ...object, spec: fields.spec ?? {} };
    case 'Node':
      return nodeDefaults(object);
    case 'Widget':
      return widgetDefaults(object);
    default:
      return object;
  }
}

type Draft = JsonObject & { metadata: JsonObject & ServerMetadata };

function namespaceDefaults(object: Draft, name: string): NewObject {
  const labels = isJsonObject(object.metadata.labels) ? object.metadata.labels : {};
  return {
    ...object,
    metadata: {
      ...object.metadata,
      labels: { ...labels, 'kubernetes.io/metadata.name': name },
    } as NewObject['metadata'],
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  };
}

function serviceDefaults(object: Draft): NewObject {
  const spec = isJsonObject(object.spec) ? object.spec : {};
  const defaults = { type: 'ClusterIP', sessionAffinity: 'None', internalTrafficPolicy: 'Cluster' };
  return { ...object, spec: { ...defaults, ...spec }, status: { loadBalancer: {} } };
}

/** Nodes start out tainted (plugin/pkg/admission/nodetaint); zero values of Go are printed. */
function nodeDefaults(object: Draft): NewObject {
  const spec = isJsonObject(object.spec) ? object.spec : {};
  const status = isJsonObject(object.status) ? object.status : {};
  const taints = Array.isArray(spec.taints) ? spec.taints : [];
  const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
  return {
    ...object,
    spec: { ...spec, taints: [...taints, notReady] },
    status: {
      daemonEndpoints: { kubeletEndpoint: { Port: 0 } },
      nodeInfo: Object.fromEntries(NODE_INFO.map((field) => [field, ''])),
      ...status,
    },
  };
}

const NODE_INFO = [
  'machineID',
  'systemUUID',
  'bootID',
  'kernelVersion',
  'osImage',
  'containerRuntimeVersion',
  'kubeletVersion',
  'kubeProxyVersion',
  'operatingSystem',
  'architecture',
];

/** The CRD has a status subresource: status of a create is dropped and generation starts at 1. */
function widgetDefaults(object: Draft): NewObject {
  const { status: _status, ...rest } = object;
  return { ...rest, metadata: { ...object.metadata, generation: 1 } };
}
