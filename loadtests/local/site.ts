// What the command can know of a control plane beyond its address, and do to it: the one that it has
// started itself, or one that `evenkeel-load up` holds in another process.

/** Names of what can be done to a control plane during a run. */
export const FAULT_NAMES = [
  'replica-kill',
  'replica-freeze',
  'rolling-restart',
  'etcd-member-kill',
] as const;
export type FaultName = (typeof FAULT_NAMES)[number];

/** Whose figures can be asked for. */
export const SCRAPED_COMPONENTS = ['kube-apiserver', 'etcd', 'evenkeel'] as const;
export type ScrapedComponent = (typeof SCRAPED_COMPONENTS)[number];

/** One process with /metrics. */
export interface ScrapeTarget {
  readonly component: ScrapedComponent;
  /** Such as `apiserver-2`; no other target has it. */
  readonly instance: string;
  /** With the path. Over https the run's own credentials are shown. */
  readonly url: string;
}

export interface SiteDescription {
  readonly targets: readonly ScrapeTarget[];
  /** By component, without paths, ports and secrets. */
  readonly flags: Readonly<Record<string, string>>;
  /** Client URLs of etcd, for suites that load it directly. */
  readonly etcdUrls: readonly string[];
}

export interface Site {
  describe(): Promise<SiteDescription>;
  /**
   * Does it, waits until the control plane is whole again, and says what it was done to. Throws when
   * that cannot be, such as a member that is killed where there is only one.
   */
  fault(name: FaultName): Promise<string>;
}

export function isFaultName(name: string): name is FaultName {
  return FAULT_NAMES.some((known) => known === name);
}
