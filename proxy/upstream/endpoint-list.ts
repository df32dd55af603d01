// The endpoints as they are at this moment. The one owner of the list: whoever needs it reads it anew
// each time, or, with work of its own for each endpoint, is told when it is another one.
import type { Endpoint, EndpointOptions } from './endpoint.ts';

export type EndpointAddress = Pick<EndpointOptions, 'name' | 'host' | 'port'>;

/** Those who have work of their own for each endpoint. */
export interface ListFollower {
  /** The list is another one. */
  onList(endpoints: readonly Endpoint[]): void;
  /** It is new on the list, or not on it any more. */
  onChange(endpoint: Endpoint, what: 'added' | 'removed'): void;
  /** It has been removed: what can go on elsewhere is to go. */
  onLeaving(endpoint: Endpoint): void;
  /** Removed endpoints stay, for there is none but them that could serve. Told once a change. */
  onHeld(endpoints: readonly Endpoint[]): void;
  /**
   * It carries nothing any more.
   * @param cut its time was over before that
   */
  onGone(endpoint: Endpoint, cut: boolean): void;
}

/** The endpoints, those that come and those that go. */
export class EndpointList {
  private readonly create: (address: EndpointAddress) => Endpoint;
  private readonly nowMs: () => number;
  /** Never changed but replaced, so that an index into it holds as long as one has it in hand. */
  private endpoints: readonly Endpoint[];
  /** Those of `endpoints` that the configuration does not name any more. */
  private outgoing: readonly Endpoint[] = [];
  private held = false;
  /** Removed, with the time when the last of what they carry is ended. */
  private readonly deadlines = new Map<Endpoint, number>();
  private readonly goneNames = new Set<string>();
  private follower: ListFollower | undefined;
  private graceMs = 0;

  constructor(
    addresses: readonly EndpointAddress[],
    create: (address: EndpointAddress) => Endpoint,
    nowMs: () => number,
  ) {
    this.create = create;
    this.nowMs = nowMs;
    this.endpoints = addresses.map(create);
  }

  /** Those that may be given something to do. */
  get current(): readonly Endpoint[] {
    return this.endpoints;
  }

  /** Those that have been removed and only end what they have. */
  get leaving(): readonly Endpoint[] {
    return [...this.deadlines.keys()];
  }

  /** Names under which there was an endpoint, and is none any more. */
  get gone(): ReadonlySet<string> {
    return this.goneNames;
  }

  /** All that have connections. */
  get all(): readonly Endpoint[] {
    return [...this.endpoints, ...this.leaving];
  }

  /** @param graceMs how long an endpoint that has been removed may take to end what it has */
  followedBy(follower: ListFollower, graceMs: number): void {
    this.follower = follower;
    this.graceMs = graceMs;
  }

  /**
   * The endpoints are these from now on. One with another address under the same name is another
   * endpoint. Those that are not named any more are removed by `settle`.
   */
  replace(addresses: readonly EndpointAddress[]): void {
    const before = this.endpoints;
    const wanted = addresses.map(
      (address) => before.find((one) => one.isAt(address)) ?? this.create(address),
    );
    this.outgoing = before.filter((one) => !wanted.includes(one));
    this.held = false;
    const added = wanted.filter((one) => !before.includes(one));
    if (added.length === 0 && this.outgoing.length === 0) return;
    // The new ones last: of two with one name, it is the new one whose figures are shown.
    this.endpoints = [...this.outgoing, ...wanted];
    for (const { name } of added) this.goneNames.delete(name);
    for (const endpoint of added) this.follower?.onChange(endpoint, 'added');
    this.follower?.onList(this.endpoints);
    this.settle();
  }

  /** To be called steadily: removes endpoints, and sees off those that have been removed. */
  settle(): void {
    this.remove();
    const nowMs = this.nowMs();
    for (const [endpoint, deadlineMs] of this.deadlines) {
      const cut = !endpoint.isEmpty;
      if (cut && nowMs < deadlineMs) continue;
      this.deadlines.delete(endpoint);
      endpoint.close('the endpoint is no longer in the configuration');
      if (this.all.every(({ name }) => name !== endpoint.name)) this.goneNames.add(endpoint.name);
      this.follower?.onGone(endpoint, cut);
    }
  }

  /**
   * A fresh endpoint has yet to pass its first check. When all that is left is fresh, or out, the
   * ones that are to go serve until another can: a list that is replaced whole costs no request, and
   * one with a wrong address no cluster.
   */
  private remove(): void {
    const { outgoing } = this;
    if (outgoing.length === 0) return;
    const staying = this.endpoints.filter((one) => !outgoing.includes(one));
    const isNeeded = outgoing.some((one) => one.available);
    if (isNeeded && !staying.some((one) => one.available)) {
      if (!this.held) this.follower?.onHeld(outgoing);
      this.held = true;
      return;
    }
    this.outgoing = [];
    this.endpoints = staying;
    this.follower?.onList(staying);
    for (const endpoint of outgoing) {
      endpoint.leave();
      this.deadlines.set(endpoint, this.nowMs() + this.graceMs);
      this.follower?.onChange(endpoint, 'removed');
      this.follower?.onLeaving(endpoint);
    }
  }
}
