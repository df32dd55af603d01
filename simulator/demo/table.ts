// The one picture of the demo, live and at its end: each phase's load per replica on both sides,
// and what clients noticed. Pure; 80 columns and 23 lines, so that it fits the smallest terminal.
import type { FleetFigures } from './fleet.ts';
import { busiestToMean, type ReplicaLoad, type Side, type SideLoad } from './phase-figures.ts';
import { type DemoReport, PHASES, type Phase } from './report.ts';
import type { Color, TextStyle } from './text-style.ts';

const PHASE_COLUMNS = 10;
const NAME_COLUMNS = 14;
const NUMBER_COLUMNS = 4;
const BAR_COLUMNS = 8;
const FIGURE_COLUMNS = NUMBER_COLUMNS + 1 + BAR_COLUMNS;
const SIDE_COLUMNS = 2 * FIGURE_COLUMNS + 1;
const LEFT_COLUMNS = PHASE_COLUMNS + NAME_COLUMNS;

export const TABLE_COLUMNS = LEFT_COLUMNS + 2 * SIDE_COLUMNS + 1;
/** Number of lines of a table of three replicas. */
export const TABLE_LINES = 23;

const SIDES: readonly Side[] = ['tcp', 'door'];
const SIDE_COLORS: Readonly<Record<Side, Color>> = { tcp: 'yellow', door: 'cyan' };
const PHASE_TITLES: Readonly<Record<Phase, string>> = {
  before: 'before',
  down: 'killed',
  after: 'restarted',
};
const FINISHED = 'Finished. Each phase shows the load at its end; a busiest/mean of 1.00 is even.';
/** Above this a side is uneven enough to be marked. */
const UNEVEN = 1.2;

/** One line for each element, without line ends. */
export function renderTable(report: DemoReport, style: TextStyle): string[] {
  const scale = scaleOf(report);
  return [
    titleLine(report, style),
    statusLine(report, style),
    '',
    row('', style.paint('bold', 'through a TCP balancer'), style.paint('bold', 'through evenkeel')),
    row('', figureTitles(), figureTitles()),
    ...PHASES.flatMap((phase) => phaseLines(report, phase, scale, style)),
    '',
    ...clientLines(report, style),
  ];
}

function titleLine({ kind, replicaNames, clients, ...report }: DemoReport, style: TextStyle) {
  const count = clients.tcp.clients + clients.door.clients;
  const title = `${replicaNames.length} ${kind} kube-apiservers, ${count} clients, half of them each way`;
  const clock = `${Math.floor(report.elapsedSeconds)} s of ${report.totalSeconds} s`;
  return `${style.paint('bold', title.padEnd(TABLE_COLUMNS - clock.length))}${clock}`;
}

function statusLine({ phase, victim, finished, phaseSecondsLeft }: DemoReport, style: TextStyle) {
  if (finished) return style.paint('dim', FINISHED);
  const left = `${Math.ceil(phaseSecondsLeft)} s`;
  // A real replica takes some seconds to be ready.
  const again = phaseSecondsLeft > 0 ? `It will be started again in ${left}.` : 'It is starting.';
  const texts: Readonly<Record<Phase, string>> = {
    before: `All replicas are up. ${victim} will be killed in ${left}.`,
    down: `${victim} is dead. ${again}`,
    after: `${victim} is back. ${left} to go.`,
  };
  return style.paint(phase === 'down' ? 'red' : 'green', texts[phase]);
}

interface Scale {
  readonly requestsPerSecond: number;
  readonly watches: number;
}

/** Bars of both sides and all phases are of one scale, or they could not be compared. */
function scaleOf({ loads }: DemoReport): Scale {
  const all = PHASES.flatMap((phase) => loads[phase] ?? []).flatMap(({ tcp, door }) => [tcp, door]);
  return {
    requestsPerSecond: Math.max(1, ...all.map((load) => load.requestsPerSecond)),
    watches: Math.max(1, ...all.map((load) => load.watches)),
  };
}

function phaseLines(report: DemoReport, phase: Phase, scale: Scale, style: TextStyle): string[] {
  const loads = report.loads[phase];
  const current = phase === report.phase && !report.finished;
  const title = PHASE_TITLES[phase].padEnd(PHASE_COLUMNS);
  const names = [...report.replicaNames, 'busiest/mean'];
  return names.map((name, index) => {
    const label = name.padEnd(NAME_COLUMNS);
    const left = `${index === 0 ? style.paint(current ? 'bold' : 'dim', title) : ' '.repeat(PHASE_COLUMNS)}${label}`;
    if (!loads || loads.length === 0) return style.paint('dim', row(left, '', '').trimEnd());
    const load = loads[index];
    const [tcp = '', door = ''] = SIDES.map((side) =>
      load ? loadCell(load, side, scale, style) : evennessCell(loads, side, style),
    );
    return row(left, tcp, door);
  });
}

function loadCell(load: ReplicaLoad, side: Side, scale: Scale, style: TextStyle): string {
  if (!load.up) return style.paint('red', fill('   - down', SIDE_COLUMNS));
  const { requestsPerSecond, watches }: SideLoad = load[side];
  const figure = (value: number, most: number): string => {
    const number = String(Math.round(value)).padStart(NUMBER_COLUMNS);
    return `${number} ${style.paint(SIDE_COLORS[side], style.bar(value / most, BAR_COLUMNS))}`;
  };
  return `${figure(requestsPerSecond, scale.requestsPerSecond)} ${figure(watches, scale.watches)}`;
}

function evennessCell(loads: readonly ReplicaLoad[], side: Side, style: TextStyle): string {
  const figures = [
    busiestToMean(loads, (load) => load[side].requestsPerSecond),
    busiestToMean(loads, (load) => load[side].watches),
  ];
  return figures
    .map((value) => {
      const text = fill(`  ${value === undefined ? '-' : value.toFixed(2)}`, FIGURE_COLUMNS);
      return style.paint(value !== undefined && value > UNEVEN ? 'red' : 'green', text);
    })
    .join(' ');
}

function clientLines({ clients }: DemoReport, style: TextStyle): string[] {
  const line = (label: string, show: (figures: FleetFigures) => Cell): string => {
    const [tcp = '', door = ''] = SIDES.map((side) => clientCell(show(clients[side]), style));
    return row(label, tcp, door);
  };
  return [
    line('requests that failed', ({ errors, calls }) => ({
      value: String(errors.length),
      note: `of ${calls}`,
      bad: errors.length > 0,
    })),
    line('waits for a retry', ({ retries }) => ({ value: String(retries) })),
    line('informers that relisted', ({ relists }) => ({
      value: String(relists),
      bad: relists > 0,
    })),
    line('watches cut off', ({ watchesCut }) => ({ value: String(watchesCut) })),
    line('longest silence', ({ longestSilenceMs }) => ({
      value: (longestSilenceMs / 1000).toFixed(1),
      note: 's',
    })),
  ];
}

interface Cell {
  readonly value: string;
  readonly note?: string;
  readonly bad?: boolean;
}

function clientCell({ value, note = '', bad = false }: Cell, style: TextStyle): string {
  const number = value.padStart(NUMBER_COLUMNS);
  const text = fill(note, SIDE_COLUMNS - NUMBER_COLUMNS - 1);
  return `${bad ? style.paint('red', number) : number} ${text}`;
}

function figureTitles(): string {
  return `${fill('requests/s', FIGURE_COLUMNS)} watches`;
}

/** Three columns, whatever colours their texts have. */
function row(left: string, tcp: string, door: string): string {
  return `${fill(left, LEFT_COLUMNS)}${fill(tcp, SIDE_COLUMNS)} ${door}`.trimEnd();
}

function fill(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - visibleLength(text)));
}

/** Columns that a text takes on a terminal. */
export function visibleLength(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an SGR sequence begins with ESC.
  return text.replace(/\u001b\[\d+m/g, '').length;
}
