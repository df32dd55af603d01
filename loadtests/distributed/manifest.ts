// The objects by which the k6-operator runs a suite on several machines. It gives runner i of P the
// execution segment (i-1)/P:i/P (k6-operator pkg/segmentation/segmentation.go), by which k6 itself
// splits each arrival rate: rates are those of N nodes whatever P is. Set-up is run by each runner, so
// that each has an id of its own and makes the standing objects for itself.
import { accessRules } from './access-rules.ts';
import type { Bundle } from './bundle.ts';

const PLAN_ANNOTATION = 'evenkeel.dev/load-plan';
const MOUNTED = '/var/run/secrets/kubernetes.io/serviceaccount';
const SERVER = 'https://kubernetes.default.svc';
// Samples go to the log of the pod, where they can be read without a volume that all nodes share.
const ARGUMENTS = '--out json=- --no-color --summary-mode=disabled --no-usage-report';
// The user of the image grafana/k6 (its Dockerfile).
const K6_USER = 12345;

/** What `merge` has to know again, kept on the TestRun. */
export interface DistributedPlan {
  readonly suite: string;
  readonly profile: string;
  readonly nodes: number;
  readonly seed: number;
  readonly suiteHash: string;
  readonly parallelism: number;
  readonly image: string;
  readonly expectedIterations: number;
  /** At each of them an iteration may fall to either side. */
  readonly ends: number;
}

export interface Manifest {
  readonly apiVersion: 'v1';
  readonly kind: 'List';
  readonly items: readonly object[];
}

interface ManifestParts {
  readonly plan: DistributedPlan;
  readonly bundle: Bundle;
  readonly namespace: string;
  readonly environment: Readonly<Record<string, string>>;
}

export function makeManifest({ plan, bundle, namespace, environment }: ManifestParts): Manifest {
  const name = `load-${plan.suite}`;
  const metadata = { name, namespace, labels: { 'app.kubernetes.io/name': 'evenkeel-load' } };
  const env = Object.entries({ ...environment, LOAD_SERVER: SERVER }).map(([key, value]) => ({
    name: key,
    value,
  }));
  const secured = {
    image: plan.image,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: K6_USER,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containerSecurityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    },
  };
  const runner = {
    ...secured,
    serviceAccountName: name,
    env: [
      ...env,
      // Unlike a pod's name it has no random end: the job of runner i is NAME-i.
      {
        name: 'LOAD_RUN_ID',
        valueFrom: { fieldRef: { fieldPath: "metadata.labels['job-name']" } },
      },
      { name: 'LOAD_TOKEN_FILE', value: `${MOUNTED}/token` },
      { name: 'SSL_CERT_FILE', value: `${MOUNTED}/ca.crt` },
    ],
  };
  // It only reads the script, and hands `env` on as text: it needs no credentials, and gets none.
  const initializer = {
    ...secured,
    automountServiceAccountToken: 'false',
    env: [...env, { name: 'LOAD_RUN_ID', value: name }],
  };
  const testRun = {
    apiVersion: 'k6.io/v1alpha1',
    kind: 'TestRun',
    metadata: { ...metadata, annotations: { [PLAN_ANNOTATION]: JSON.stringify(plan) } },
    spec: {
      parallelism: plan.parallelism,
      arguments: ARGUMENTS,
      script: { configMap: { name, file: bundle.entry } },
      initializer,
      runner,
    },
  };
  const items = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    ...accessObjects(bundle, metadata),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: bundle.files },
    // The last: the operator begins as soon as it sees it.
    testRun,
  ];
  return { apiVersion: 'v1', kind: 'List', items };
}

interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

function accessObjects(bundle: Bundle, { name, namespace, labels }: Metadata): object[] {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  return [...accessRules(Object.values(bundle.files))].flatMap(([where, rules]) => {
    const kind = where === '' ? 'ClusterRole' : 'Role';
    const metadata = { name, labels, ...(where === '' ? {} : { namespace: where }) };
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind, name };
    return [
      { apiVersion, kind, metadata, rules },
      { apiVersion, kind: `${kind}Binding`, metadata, roleRef, subjects },
    ];
  });
}

/** Of a manifest that `makeManifest` has made; undefined for any other text. */
export function readPlan(text: string): DistributedPlan | undefined {
  try {
    const { items } = JSON.parse(text) as Manifest;
    for (const item of items as { metadata?: { annotations?: Record<string, string> } }[]) {
      const plan = item.metadata?.annotations?.[PLAN_ANNOTATION];
      if (plan !== undefined) return JSON.parse(plan) as DistributedPlan;
    }
  } catch {
    // Not JSON, or of another shape: the caller names the file.
  }
  return undefined;
}
