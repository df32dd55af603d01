// The demo's figures in plain words. Pure.
import type { FleetFigures } from './fleet.ts';
import { busiestToMean, type ReplicaLoad, type Side } from './phase-figures.ts';
import type { DemoReport } from './report.ts';

const COLUMNS = 79;
const SHOWN_ERRORS = 5;

/** Whether the door's clients noticed no more than the end of a watch, which is nothing to them. */
export function doorKept(report: DemoReport): boolean {
  return report.clients.door.errors.length === 0;
}

/** Lines of at most 79 columns. */
export function renderVerdict(report: DemoReport): string[] {
  const paragraphs = [
    headline(report),
    reasons(report),
    clientSentence(report.clients.door),
    ...errorSentences(report.clients.door, 'evenkeel'),
    ...errorSentences(report.clients.tcp, 'the TCP balancer'),
  ];
  return [...paragraphs.flatMap((text) => wrap(text, COLUMNS)), '', ...nextSteps(report)];
}

/** One line of what a phase was like, for logs. */
export function phaseLine(report: DemoReport): string {
  const loads = report.loads[report.phase] ?? [];
  const side = (name: Side): string => {
    const figures = loads.map((load) =>
      load.up ? `${Math.round(load[name].requestsPerSecond)}/s ${load[name].watches}w` : 'down',
    );
    return figures.join(', ');
  };
  const names = { before: 'before', down: 'killed', after: 'restarted' };
  return `${names[report.phase]}: TCP balancer ${side('tcp')} | evenkeel ${side('door')}`;
}

function headline(report: DemoReport): string {
  const share = (side: Side): string => victimShare(report, side);
  return `After its restart ${report.victim} has ${share('tcp')} through the TCP balancer, and ${share('door')} through evenkeel.`;
}

function reasons(report: DemoReport): string {
  const [tcp, door] = [unevenness(report, 'tcp'), unevenness(report, 'door')];
  return `A TCP balancer places connections, and they stay where they are: its busiest replica carries ${tcp}. evenkeel places every request and every watch: ${door}.`;
}

function victimShare({ loads, victim }: DemoReport, side: Side): string {
  const after = loads.after ?? [];
  const own = after.find(({ name }) => name === victim)?.[side];
  const sum = (figure: (load: ReplicaLoad) => number): number =>
    after.reduce((total, load) => total + figure(load), 0);
  const allRequests = sum((load) => load[side].requestsPerSecond);
  const percent = Math.round((100 * (own?.requestsPerSecond ?? 0)) / Math.max(1, allRequests));
  return `${percent} % of requests and ${own?.watches ?? 0} of ${sum((load) => load[side].watches)} watches`;
}

function unevenness({ loads }: DemoReport, side: Side): string {
  const ratio = (figure: (load: ReplicaLoad) => number): string =>
    busiestToMean(loads.after ?? [], figure)?.toFixed(2) ?? '-';
  const requests = ratio((load) => load[side].requestsPerSecond);
  const watches = ratio((load) => load[side].watches);
  return `${requests} times the mean of requests and ${watches} times that of watches`;
}

function clientSentence(figures: FleetFigures): string {
  const { errors, calls, relists, watchesCut, retries } = figures;
  const failed = errors.length === 0 ? 'none' : String(errors.length);
  const cut =
    watchesCut === 0
      ? 'no watch ended early'
      : `${watchesCut} watches ended early and went on elsewhere`;
  return `Of ${calls} requests through evenkeel ${failed} failed and ${retries} waited for a retry; ${cut}, and ${relists} informers had to list again.`;
}

function errorSentences({ errors }: FleetFigures, way: string): string[] {
  if (errors.length === 0) return [];
  const shown = errors.slice(0, SHOWN_ERRORS).join('; ');
  const more = errors.length > SHOWN_ERRORS ? `; and ${errors.length - SHOWN_ERRORS} more` : '';
  return [`Errors that clients saw through ${way}: ${shown}${more}.`];
}

function nextSteps({ kind }: DemoReport): string[] {
  const other =
    kind === 'simulated'
      ? '  npm run demo -- --real     the same with real kube-apiservers and etcd'
      : '  npm run demo               the same with simulated kube-apiservers';
  return [
    'Next:',
    other,
    '  npm test                   every test that this machine can run',
    '  proxy/config.example.yaml  every setting explained, for a cluster of your own',
  ];
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
