import type { ApiserverRows } from './apiserver-series.ts';
import type { OwnRows } from './request-series.ts';
import type { RouteLabels } from './route-table.ts';
import type { ResourceCount } from './top-resources.ts';
import type { WatchRows } from './watch-series.ts';

/** Everything that is counted for requests of one kind: found once, kept as long as the door runs. */
export interface Route {
  readonly labels: RouteLabels;
  readonly own: OwnRows;
  readonly apiserver: ApiserverRows;
  readonly resource: ResourceCount;
  /** Of a route that has been watched. */
  watch: WatchRows | undefined;
}
