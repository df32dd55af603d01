// What nodes that fall silent cost, as rows: stock against patched.
import { atLeast, atMost, holds, measured, type Row } from '../row.ts';

/** What one fault did, the times counted from when the leases stopped. */
export interface Damage {
  readonly marked: number;
  readonly lostEndpoints: number;
  readonly evicted: number;
  readonly firstMarkMs: number | undefined;
  readonly lastMarkMs: number | undefined;
  /** From the nodes' return until each pod that is left is an endpoint again. */
  readonly backMs: number;
}

/** The leases of one zone stop: a patched controller may hurt a few of its nodes, not the zone. */
export function zoneRows(
  stock: Damage,
  patched: Damage,
  { podsPerNode, pods }: { podsPerNode: number; pods: number },
): Row[] {
  const what = 'leases of one zone stop';
  // One node at once and one every 10 s, of which the grace period leaves 11 s.
  const few = 3 * podsPerNode;
  return [
    ...stockRows(what, stock, pods),
    atMost({ what: `${what}, patched: pods marked`, value: patched.marked, unit: 'pods' }, few),
    atMost(
      { what: `${what}, patched: endpoints lost`, value: patched.lostEndpoints, unit: 'endpoints' },
      few,
    ),
    atMost({ what: `${what}, patched: evictions`, value: patched.evicted, unit: 'pods' }, few),
    backRow(what, patched),
  ];
}

/** All leases stop: it is the controller that is cut off, and it has to leave all as it is. */
export function allRows(stock: Damage, patched: Damage, pods: number): Row[] {
  const what = 'all leases stop';
  return [
    ...stockRows(what, stock, pods),
    atMost({ what: `${what}, patched: pods marked`, value: patched.marked, unit: 'pods' }, 0),
    atMost(
      { what: `${what}, patched: endpoints lost`, value: patched.lostEndpoints, unit: 'endpoints' },
      0,
    ),
    atMost({ what: `${what}, patched: evictions`, value: patched.evicted, unit: 'pods' }, 0),
    backRow(what, patched),
  ];
}

/** One lease stops: a dead node, whose pods must go at once. */
export function singleRows(stock: Damage, patched: Damage, pods: number): Row[] {
  const what = 'the lease of one node stops';
  const asEver = (name: string, value: number, old: number): Row =>
    holds(`${what}, patched: ${name}`, `as stock: ${old}`, `${value}`, value === old);
  return [
    ...stockRows(what, stock, pods),
    atLeast({ what: `${what}, stock: evicted`, value: stock.evicted, unit: 'pods' }, pods),
    asEver('pods marked', patched.marked, stock.marked),
    asEver('endpoints lost', patched.lostEndpoints, stock.lostEndpoints),
    asEver('evictions', patched.evicted, stock.evicted),
    atMost(
      {
        what: `${what}, patched: all marked, later than stock by`,
        value: seconds((patched.lastMarkMs ?? Number.POSITIVE_INFINITY) - (stock.lastMarkMs ?? 0)),
        unit: 's',
      },
      2,
    ),
    backRow(what, patched),
  ];
}

/** What the patches are measured against has to happen, or the rest shows nothing. */
function stockRows(what: string, damage: Damage, pods: number): Row[] {
  const { firstMarkMs = 0, lastMarkMs = 0 } = damage;
  return [
    atLeast({ what: `${what}, stock: pods marked`, value: damage.marked, unit: 'pods' }, pods),
    measured({
      what: `${what}, stock: from the first to the last mark`,
      value: seconds(lastMarkMs - firstMarkMs),
      unit: 's',
    }),
    measured({
      what: `${what}, stock: endpoints lost`,
      value: damage.lostEndpoints,
      unit: 'endpoints',
    }),
    measured({ what: `${what}, stock: evictions`, value: damage.evicted, unit: 'pods' }),
    measured({
      what: `${what}, stock: endpoints back after the nodes`,
      value: seconds(damage.backMs),
      unit: 's',
    }),
  ];
}

function backRow(what: string, { backMs }: Damage): Row {
  const value = seconds(backMs);
  return atMost({ what: `${what}, patched: endpoints back after the nodes`, value, unit: 's' }, 5);
}

function seconds(ms: number): number {
  return ms / 1000;
}
