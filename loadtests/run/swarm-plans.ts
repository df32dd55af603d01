// What the swarm watches beside each suite: functions of the nodes, as all rates are. It is kept apart
// from the suites since those are programs of k6, which node cannot read; it counts in their hash.

/** One process of the swarm: one resource. */
export interface SwarmSpec {
  readonly resource: string;
  readonly watchers: number;
  /** Of the watched objects, that the swarm makes itself; each watcher sees one of `shards` parts. */
  readonly objects: number;
  readonly shards: number;
  readonly select: 'label' | 'name' | 'node';
  readonly writesPerSecond: number;
}

/** Every watcher sees everything. */
function broadcast(resource: string, watchers: number, writesPerSecond: number): SwarmSpec {
  return { resource, watchers, objects: 16, shards: 1, select: 'label', writesPerSecond };
}

/** An object for each of as many watchers, which sees nothing else. */
function own(
  resource: string,
  select: 'name' | 'node',
  watchers: number,
  writesPerSecond: number,
): SwarmSpec {
  return { resource, watchers, objects: watchers, shards: watchers, select, writesPerSecond };
}

// As many as kube-controller-manager and the mission's operators together have processes that list
// a type for themselves; the types are those that most of them watch.
const CONTROLLERS = 10;
const CONTROLLER_TYPES = ['configmaps', 'secrets', 'services', 'events'];
/** ConfigMaps and Secrets that the pods of a node name: pkg/kubelet/util/manager/watch_based_manager.go. */
const MOUNTED_PER_NODE = 2;

const PLANS: Readonly<Record<string, (nodes: number) => readonly SwarmSpec[]>> = {
  'controller-informers': (nodes) =>
    CONTROLLER_TYPES.map((type) =>
      // More controllers as the cluster grows, since each operator that is added brings its own.
      broadcast(type, CONTROLLERS * Math.max(1, Math.ceil(nodes / 100)), 0.1 * nodes),
    ),
  // A kubelet's own pods (config/apiserver.go), what they mount, and all services
  // (kubelet.go, NewMainKubelet), CSI drivers and runtime classes.
  'kubelet-watch': (nodes) => [
    own('pods', 'node', nodes, 0.1 * nodes),
    own('nodes', 'name', nodes, 0.1 * nodes),
    own('configmaps', 'name', MOUNTED_PER_NODE * nodes, 0.05 * nodes),
    own('secrets', 'name', MOUNTED_PER_NODE * nodes, 0.05 * nodes),
    broadcast('services', nodes, 1),
    // These hardly ever change: enough for proof that they are still watched.
    broadcast('csidrivers', nodes, 0.2),
    broadcast('runtimeclasses', nodes, 0.2),
  ],
  // A service or a pod that changes is news for every node, and what it mounts for one.
  'replica-restart': (nodes) => [
    broadcast('services', nodes, 5),
    own('pods', 'node', nodes, 0.1 * nodes),
  ],
  // Exporters of events, which see the storm too: their order is proven, the swarm's own are counted.
  'event-storm': (nodes) => [broadcast('events', Math.max(2, Math.ceil(nodes / 50)), 5)],
  // The caches of a scheduler and of controllers, which see every pod.
  'scheduler-burst': (nodes) => [broadcast('pods', Math.max(5, Math.ceil(nodes / 20)), 5)],
};

/** Empty for a suite without watchers. */
export function swarmSpecs(suite: string, nodes: number): readonly SwarmSpec[] {
  return PLANS[suite]?.(nodes) ?? [];
}

/** Flags of loadtests/swarm/main.ts, without those of the cluster. */
export function swarmFlags(spec: SwarmSpec, measureSeconds: number): string[] {
  const { resource, watchers, objects, shards, select, writesPerSecond } = spec;
  return Object.entries({
    resource,
    watchers,
    objects,
    shards,
    select,
    'writes-per-second': Math.min(1000, writesPerSecond),
    duration: `${measureSeconds}s`,
  }).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
}
