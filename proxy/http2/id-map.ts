const INITIAL_SLOTS = 16;

/**
 * A map from stream ids to streams. A JavaScript Map that has entries added and deleted all the
 * time is rebuilt now and then, and each abandoned table that has grown old keeps what it last held
 * alive until the next full collection; here a deleted entry is gone at once.
 *
 * Open addressing with linear probing: ids count up in steps of two, so half an id is a slot.
 */
export class IdMap<T> {
  private keys = new Int32Array(INITIAL_SLOTS);
  private values: (T | undefined)[] = new Array(INITIAL_SLOTS).fill(undefined);
  private mask = INITIAL_SLOTS - 1;
  size = 0;

  get(id: number): T | undefined {
    for (let slot = (id >>> 1) & this.mask; ; slot = (slot + 1) & this.mask) {
      const key = this.keys[slot];
      if (key === id) return this.values[slot];
      if (key === 0) return undefined;
    }
  }

  /** @param id not 0, and not in the map */
  add(id: number, value: T): void {
    if (this.size * 2 >= this.keys.length) this.grow();
    this.put(id, value);
    this.size += 1;
  }

  delete(id: number): void {
    const { keys, values, mask } = this;
    let hole = (id >>> 1) & mask;
    while (keys[hole] !== id) {
      if (keys[hole] === 0) return;
      hole = (hole + 1) & mask;
    }
    this.size -= 1;
    // What was pushed on by the entry that goes is moved back, so that no mark has to stay behind.
    for (let slot = (hole + 1) & mask; keys[slot] !== 0; slot = (slot + 1) & mask) {
      const home = ((keys[slot] ?? 0) >>> 1) & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      keys[hole] = keys[slot] ?? 0;
      values[hole] = values[slot];
      hole = slot;
    }
    keys[hole] = 0;
    values[hole] = undefined;
  }

  /** All values, as they are now. */
  all(): T[] {
    return this.values.filter((value) => value !== undefined);
  }

  private put(id: number, value: T): void {
    let slot = (id >>> 1) & this.mask;
    while (this.keys[slot] !== 0) slot = (slot + 1) & this.mask;
    this.keys[slot] = id;
    this.values[slot] = value;
  }

  private grow(): void {
    const { keys, values } = this;
    const slots = keys.length * 2;
    this.keys = new Int32Array(slots);
    this.values = new Array(slots).fill(undefined);
    this.mask = slots - 1;
    for (const [slot, value] of values.entries()) {
      if (value !== undefined) this.put(keys[slot] ?? 0, value);
    }
  }
}
