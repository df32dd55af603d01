import { createTunnels, type Tunnels } from './tunnels.ts';

/** Tunnels by the endpoint that they lead to, so that those to one can be ended alone. */
export class TunnelsByPlace<Place> {
  private readonly places = new Map<Place, Tunnels>();

  /** Tunnels that are open, to all places. */
  get open(): number {
    let open = 0;
    for (const tunnels of this.places.values()) open += tunnels.open;
    return open;
  }

  to(place: Place): Tunnels {
    let tunnels = this.places.get(place);
    if (tunnels === undefined) {
      tunnels = createTunnels();
      this.places.set(place, tunnels);
    }
    return tunnels;
  }

  /** Ends every tunnel to a place that is gone, and forgets it. */
  close(place: Place): void {
    this.places.get(place)?.closeAll();
    this.places.delete(place);
  }

  /** Ends every tunnel, and every wait for one. */
  closeAll(): void {
    for (const tunnels of this.places.values()) tunnels.closeAll();
  }
}
