// The figures as tables, for terminals and for bench/README.md. Pure.
import type { TableColumn } from '../../tools/text-table.ts';
import type { RequestResult, WatchResult, WireFigures } from './result.ts';
import { REFERENCE } from './subjects.ts';

export interface Table {
  readonly title: string;
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly string[])[];
}

const REQUEST_NUMBERS = [
  'CPU us/request',
  'x HAProxy',
  'spread %',
  'requests/s',
  'p50 ms',
  'p99 ms',
  'errors',
];
const WATCH_NUMBERS = ['CPU us/event', 'x HAProxy', 'spread %', 'events/s', 'KiB/idle watch'];

export function tablesOf({ requests, watches }: WireFigures): Table[] {
  const measured = requests.filter(({ rows }) => rows.length > 0);
  return [...measured.map(requestTable), ...(watches === undefined ? [] : [watchTable(watches)])];
}

function columns(numbers: readonly string[]): TableColumn[] {
  return [{ title: 'subject' }, ...numbers.map((title) => ({ title, align: 'right' as const }))];
}

function requestTable({ load, backend, rows }: RequestResult): Table {
  const reference = rows.find(({ subject }) => subject === REFERENCE)?.cpuMicrosPerRequest;
  return {
    title: `${load}; backend: ${backend}`,
    columns: columns(REQUEST_NUMBERS),
    rows: rows.map((row) => [
      row.subject,
      fixed(row.cpuMicrosPerRequest, 1),
      ratio(row.cpuMicrosPerRequest, reference),
      // Of what the table is about; the direct way has no processor time, only a rate.
      fixed(row.cpuSpreadPercent ?? row.spreadPercent, 1),
      fixed(row.requestsPerSecond, 0),
      fixed(row.p50Ms, 2),
      fixed(row.p99Ms, 2),
      `${row.errors}`,
    ]),
  };
}

function watchTable(result: WatchResult): Table {
  const { watches, watchesPerConnection, idleWatches, eventBytes, rows } = result;
  const reference = rows.find(({ subject }) => subject === REFERENCE)?.cpuMicrosPerEvent;
  return {
    title:
      `${watches} watches, ${watchesPerConnection} on a connection, 10 events of ${eventBytes} B ` +
      `each second to all; memory with ${idleWatches}`,
    columns: columns(WATCH_NUMBERS),
    rows: rows.map((row) => [
      row.subject,
      fixed(row.cpuMicrosPerEvent, 2),
      ratio(row.cpuMicrosPerEvent, reference),
      fixed(row.spreadPercent, 1),
      fixed(row.eventsPerSecond, 0),
      row.idleBytesPerWatch === undefined ? '-' : fixed(row.idleBytesPerWatch / 1024, 1),
    ]),
  };
}

function fixed(value: number | undefined, digits: number): string {
  return value === undefined ? '-' : value.toFixed(digits);
}

function ratio(value: number | undefined, reference: number | undefined): string {
  return value === undefined || reference === undefined ? '-' : (value / reference).toFixed(2);
}
