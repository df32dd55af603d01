// How long and how hard: the same suites from a quick look to a night.

export interface Profile {
  readonly warmupSeconds: number;
  readonly measureSeconds: number;
  /** Of the number of nodes. */
  readonly factor: number;
}

export const PROFILES: Readonly<Record<string, Profile>> = {
  // Every node has renewed its lease once, every 10 s, before anything counts.
  smoke: { warmupSeconds: 10, measureSeconds: 20, factor: 1 },
  // Longer than two of the 5 min windows that the objectives are stated by.
  average: { warmupSeconds: 60, measureSeconds: 720, factor: 1 },
  stress: { warmupSeconds: 60, measureSeconds: 720, factor: 3 },
  soak: { warmupSeconds: 300, measureSeconds: 8 * 3600, factor: 1 },
};
