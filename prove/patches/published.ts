// What the endpoints controllers have written, in a form in which it can be compared.
import { type FakeCluster, NAMESPACE } from './fake-cluster.ts';

/** Of one service: `headless 198.18.0.1:8443 198.18.0.2:8443 (not ready)`, or '' without any. */
export type Published = ReadonlyMap<string, string>;

/** Both kinds of objects that kube-proxy and other clients read. */
export interface PublishedTwice {
  readonly endpoints: Published;
  readonly slices: Published;
  /** Of every object, by kind and name. */
  readonly resourceVersions: ReadonlyMap<string, string>;
}

/** What a service is expected to publish. */
export interface Expected {
  readonly headless: boolean;
  readonly addresses: readonly { readonly ip: string; readonly ready: boolean }[];
}

interface Metadata {
  readonly name: string;
  readonly resourceVersion: string;
  readonly labels?: Readonly<Record<string, string>>;
}

interface Slice {
  readonly metadata: Metadata;
  readonly ports: readonly { readonly port?: number }[] | null;
  readonly endpoints:
    | readonly {
        readonly addresses: readonly string[];
        readonly conditions: { readonly ready?: boolean };
      }[]
    | null;
}

interface Address {
  readonly ip: string;
}

interface Endpoints {
  readonly metadata: Metadata;
  readonly subsets?: readonly {
    readonly addresses?: readonly Address[];
    readonly notReadyAddresses?: readonly Address[];
    readonly ports?: readonly { readonly port: number }[];
  }[];
}

const HEADLESS = 'service.kubernetes.io/headless';
const SERVICE_NAME = 'kubernetes.io/service-name';
/** The port of the container, which a service with another port publishes. */
const TARGET_PORT = 8443;

export async function readPublished(cluster: FakeCluster): Promise<PublishedTwice> {
  const [slices, endpoints] = await Promise.all([
    cluster.get<{ items: Slice[] }>(
      `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`,
    ),
    cluster.get<{ items: Endpoints[] }>(`/api/v1/namespaces/${NAMESPACE}/endpoints`),
  ]);
  const version = (kind: string, { name, resourceVersion }: Metadata): [string, string] => [
    `${kind}/${name}`,
    resourceVersion,
  ];
  return {
    slices: gather(slices.items, ({ metadata }) => metadata.labels?.[SERVICE_NAME], sliceWords),
    endpoints: gather(endpoints.items, ({ metadata }) => metadata.name, endpointsWords),
    resourceVersions: new Map([
      ...slices.items.map(({ metadata }) => version('slice', metadata)),
      ...endpoints.items.map(({ metadata }) => version('endpoints', metadata)),
    ]),
  };
}

export function describeExpected({ headless, addresses }: Expected): string {
  return describe(
    headless,
    addresses.map(({ ip, ready }) => describeAddress(ip, TARGET_PORT, ready)),
  );
}

/** Services that do not publish, in either kind of object, what is expected of them. */
export function findWrong(
  published: PublishedTwice,
  expected: ReadonlyMap<string, Expected>,
): string[] {
  return [...expected].flatMap(([service, one]) => {
    const right = describeExpected(one);
    const good = [published.slices, published.endpoints].every(
      (kind) => (kind.get(service) ?? '') === right,
    );
    return good ? [] : [service];
  });
}

/** A service may have several slices. */
function gather<T extends { readonly metadata: Metadata }>(
  items: readonly T[],
  serviceOf: (item: T) => string | undefined,
  wordsOf: (item: T) => string[],
): Map<string, string> {
  const words = new Map<string, { headless: boolean; addresses: string[] }>();
  for (const item of items) {
    const service = serviceOf(item);
    if (service === undefined) continue;
    const headless = HEADLESS in (item.metadata.labels ?? {});
    const before = words.get(service)?.addresses ?? [];
    words.set(service, { headless, addresses: [...before, ...wordsOf(item)] });
  }
  return new Map(
    [...words].map(([service, { headless, addresses }]) => [
      service,
      describe(headless, addresses),
    ]),
  );
}

function sliceWords({ endpoints, ports }: Slice): string[] {
  const port = ports?.[0]?.port ?? 0;
  return (endpoints ?? []).flatMap(({ addresses, conditions }) =>
    addresses.map((ip) => describeAddress(ip, port, conditions.ready === true)),
  );
}

function endpointsWords({ subsets = [] }: Endpoints): string[] {
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) => {
    const port = ports[0]?.port ?? 0;
    return [
      ...addresses.map(({ ip }) => describeAddress(ip, port, true)),
      ...notReadyAddresses.map(({ ip }) => describeAddress(ip, port, false)),
    ];
  });
}

function describeAddress(ip: string, port: number, ready: boolean): string {
  return `${ip}:${port}${ready ? '' : ' (not ready)'}`;
}

function describe(headless: boolean, addresses: readonly string[]): string {
  return [headless ? 'headless' : 'with ClusterIP', ...[...addresses].sort()].join(' ');
}
