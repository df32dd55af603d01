// One fault and what everybody who watched lived through, as rows.
import { setTimeout as delay } from 'node:timers/promises';
import { atMost, holds, measured, type Row } from '../row.ts';
import type { Fault, Site } from './faults.ts';
import { type Fleet, type FleetFigures, maxOverMean, type StoreComparison } from './fleet.ts';

export interface PhaseResult {
  readonly figures: FleetFigures;
  readonly stores: StoreComparison;
  /** Watches per replica when they were even, or when the time for that was over. */
  readonly spread: readonly number[];
  readonly evenAfterMs: number;
}

/** What a fault may cost. Undefined: shown, not judged. */
export interface Floors {
  readonly silenceMs?: number;
  readonly p99Ms?: number;
  readonly ends?: number;
  readonly maxOverMean?: number;
}

const LEAD_MS = 2000;
const TAIL_MS = 3000;
const EVEN_POLL_MS = 2000;

/** @param even waits until watches are that even, for so long at most; undefined does not wait */
export async function runPhase(
  fleet: Fleet,
  fault: Fault | undefined,
  site: Site,
  even?: { readonly maxOverMean: number; readonly limitMs: number },
): Promise<PhaseResult> {
  await fleet.reset();
  await delay(LEAD_MS, undefined, { signal: site.signal });
  await fault?.run(site);
  await delay(TAIL_MS, undefined, { signal: site.signal });
  const figures = await fleet.figures();
  const endedAtMs = performance.now();
  let spread = await fleet.spread();
  while (even !== undefined && !(maxOverMean(spread) <= even.maxOverMean)) {
    if (performance.now() - endedAtMs > even.limitMs) break;
    await delay(EVEN_POLL_MS, undefined, { signal: site.signal });
    spread = await fleet.spread();
  }
  const evenAfterMs = performance.now() - endedAtMs;
  // Moves back to balance must not cost anything either.
  const after = await fleet.figures();
  const stores = await fleet.compareStores();
  const { relists, ends, lost, doubled, outOfOrder } = after;
  return {
    figures: { ...figures, relists, ends, lost, doubled, outOfOrder },
    stores,
    spread,
    evenAfterMs,
  };
}

export function phaseRows(name: string, result: PhaseResult, floors: Floors): Row[] {
  const { figures, stores, spread, evenAfterMs } = result;
  const { lost, doubled, outOfOrder } = figures;
  const what = (text: string): string => `${name}: ${text}`;
  const even = maxOverMean(spread);
  const evenText = `${even.toFixed(2)} (${spread.join(', ')}) after ${Math.round(evenAfterMs / 1000)} s`;
  return [
    atMost({ what: what('LISTs after the first'), value: figures.relists, unit: '' }, 0),
    holds(
      what('events lost, doubled, out of order'),
      '0, 0, 0',
      `${lost}, ${doubled}, ${outOfOrder}`,
      lost + doubled + outOfOrder === 0,
    ),
    judged(what('watch ends that clients saw'), figures.ends, '', floors.ends),
    judged(what('longest silence'), figures.silenceMs, 'ms', floors.silenceMs),
    judged(what('event latency p99'), Math.round(figures.p99Ms), 'ms', floors.p99Ms),
    holds(what('stores equal a direct LIST'), '0 differences', stores.text, stores.equal),
    floors.maxOverMean === undefined
      ? { what: what('watches, max/mean'), floor: '', figure: evenText, verdict: 'measured' }
      : holds(
          what('watches, max/mean within 60 s'),
          `<= ${floors.maxOverMean}`,
          evenText,
          even <= floors.maxOverMean,
        ),
  ];
}

function judged(what: string, value: number, unit: string, floor: number | undefined): Row {
  const quantity = { what, value, unit };
  return floor === undefined ? measured(quantity) : atMost(quantity, floor);
}
