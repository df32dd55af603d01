// Whether something is wrong now, what it is, and what to do: what an on-call engineer reads first.
// Pure.
import { REMEMBERED } from '../freshness.ts';
import { numberText, percentText, plural, secondsText } from './figures-text.ts';
import type { PageEndpoint, PageInput } from './page-input.ts';
import type { Problem, Severity, Verdict } from './page-view.ts';
import { FAILURE_WORDS, outAdvice, refusalWords } from './words.ts';

/** kube-apiserver's own objective for requests that are no LISTs (sig-scalability, API call latency). */
export const SLOW_SECONDS = 1;
/** So much slower than the others is a replica that ails, whatever the objective. */
const SLOWER_TIMES = 4;
const SLOWER_SECONDS = 0.05;
/** Fewer say nothing about a p99. */
const MIN_REQUESTS = 20;
export const LATE_SECONDS = 1;
const BUSY = 0.9;
const BUSY_SLOTS = 10;
const NOW_MS = 60_000;

const RANKS: Readonly<Record<Severity, number>> = { bad: 0, warn: 1, note: 2 };

export function verdictOf(input: PageInput): Verdict {
  const problems = [
    ...drainProblems(input),
    ...endpointProblems(input),
    ...failureProblems(input),
    ...watchProblems(input),
    ...speedProblems(input),
    ...freshnessProblems(input),
    ...doorProblems(input),
    ...metricsProblems(input),
  ].toSorted((one, other) => RANKS[one.severity] - RANKS[other.severity]);
  const level = problems[0]?.severity ?? 'note';
  return {
    level: level === 'note' ? 'ok' : level,
    headline: headlineOf(input, level, problems),
    problems,
  };
}

function headlineOf(input: PageInput, level: Severity, problems: readonly Problem[]): string {
  const { endpoints } = input;
  const ready = endpoints.filter(({ state }) => state === 'ready').length;
  const serving = `${ready} of ${endpoints.length} kube-apiservers ${ready === 1 ? 'serves' : 'serve'}`;
  if (level === 'note') return `Nothing is wrong: ${serving}.`;
  const count = problems.filter(({ severity }) => severity !== 'note').length;
  const things = count === 1 ? 'One thing needs' : `${count} things need`;
  return level === 'bad' ? `Clients are failed now; ${serving}.` : `${things} a look; ${serving}.`;
}

function* drainProblems({ draining, history }: PageInput): Iterable<Problem> {
  if (!draining) return;
  const open = numberText(history.door.recent('watches', 1));
  yield {
    severity: 'warn',
    what: `The front door drains and takes no new clients; ${open} watches are left.`,
    advice: 'If nobody has stopped it, see who sent SIGTERM. A second signal ends it at once.',
  };
}

function* endpointProblems({ endpoints }: PageInput): Iterable<Problem> {
  const nobody = endpoints.every(({ state }) => state !== 'ready');
  for (const endpoint of endpoints) {
    if (endpoint.state === 'ready') continue;
    const severity = nobody ? 'bad' : 'warn';
    const reason = endpoint.lastChange?.what.replace(/^not ready: /, '') ?? 'not checked yet';
    yield endpoint.state === 'not_ready'
      ? { severity, what: `${endpoint.name} is out: ${reason}`, advice: outAdvice(reason) }
      : {
          severity,
          what: `${endpoint.name} is left out for a while: ${reason}`,
          advice: 'Its check passes and its answers fail: look at its log, at etcd, at webhooks.',
        };
  }
}

function* failureProblems({ recent, nowMs }: PageInput): Iterable<Problem> {
  for (const { failure, endpoint, countNow } of recent.failures(nowMs)) {
    const { whose, what, advice } = FAILURE_WORDS[failure];
    if (countNow === 0 || (whose !== 'apiserver' && whose !== 'door')) continue;
    const where = endpoint === '' ? '' : ` (${endpoint})`;
    const count = numberText(countNow);
    yield { severity: 'bad', what: `${count} ${what}${where}, in the last minute`, advice };
  }
}

function* watchProblems({ recent, history, nowMs }: PageInput): Iterable<Problem> {
  for (const entry of recent.watchEntries(nowMs)) {
    if (entry.kind !== 'refused' || nowMs - entry.lastMs > NOW_MS) continue;
    // At most a further try somewhere else.
    if (entry.result !== 'denied' && entry.result !== 'failed') continue;
    yield {
      severity: 'warn',
      what: `${plural(entry.count, 'watch', 'watches')} could not go on at once: ${refusalWords(entry.result)}`,
      advice: 'A watch that finds no place ends, and its client watches again from where it was.',
    };
  }
  const { slowWatches } = history;
  if (slowWatches === 0) return;
  yield {
    severity: 'note',
    what: `${plural(slowWatches, 'client takes its', 'clients take their')} watch events late.`,
    advice: 'Those clients are slow, or the network to them; others are not held up.',
  };
}

function* speedProblems({ endpoints, history }: PageInput): Iterable<Problem> {
  const advice =
    'Compare with the others below: one slow replica ails itself, all slow is mostly etcd, or who ' +
    'asks for most.';
  for (const endpoint of endpoints) {
    const p99 = p99Of(endpoint, history);
    if (p99 === undefined) continue;
    const { name } = endpoint;
    const took = `99 of 100 requests at ${name} end within ${secondsText(p99)}`;
    if (p99 > SLOW_SECONDS) {
      yield { severity: 'warn', what: `${took}; the objective is 1 s.`, advice };
    } else if (isSlower(endpoint, { endpoints, history })) {
      yield { severity: 'warn', what: `${took}, much later than elsewhere.`, advice };
    }
  }
}

/** Of LISTs apart; undefined where too few requests would decide. */
function p99Of({ name }: PageEndpoint, history: PageInput['history']): number | undefined {
  const track = history.of(name);
  return track !== undefined && track.durationCount >= MIN_REQUESTS
    ? track.duration(0.99)
    : undefined;
}

/** Whether it takes much longer than the slowest of the others. */
export function isSlower(
  endpoint: PageEndpoint,
  { endpoints, history }: Pick<PageInput, 'endpoints' | 'history'>,
): boolean {
  const own = p99Of(endpoint, history) ?? 0;
  const others = endpoints
    .filter((one) => one !== endpoint)
    .flatMap((one) => p99Of(one, history) ?? []);
  return others.length > 0 && own > SLOWER_SECONDS && own > SLOWER_TIMES * Math.max(...others);
}

/** Whether watches show that its cache is behind. */
export function isLate({ lag, behind }: LateFigures): boolean {
  return (lag !== undefined && lag > LATE_SECONDS) || (behind ?? 0) >= REMEMBERED;
}

interface LateFigures {
  readonly lag: number | undefined;
  readonly behind: number | undefined;
}

function* freshnessProblems({ endpoints, history }: PageInput): Iterable<Problem> {
  for (const { name, state } of endpoints) {
    const track = history.of(name);
    if (state !== 'ready' || track === undefined || !isLate(track)) continue;
    const how =
      (track.behind ?? 0) >= REMEMBERED
        ? `${REMEMBERED} changes or more behind the others`
        : `behind the first replica by ${secondsText(track.lag)}`;
    yield {
      severity: 'warn',
      what: `${name} is ${how}: clients there see an old state.`,
      advice:
        'Its watch of etcd is late. `evenkeel-etcd lag` says whether a member of etcd is; if none ' +
        'is, restart that apiserver.',
    };
  }
}

function* doorProblems({ history, endpoints }: PageInput): Iterable<Problem> {
  const busy = history.door.recent('busy', BUSY_SLOTS);
  if (busy > BUSY && history.seconds >= BUSY_SLOTS) {
    yield {
      severity: 'warn',
      what: `The front door is at its limit: its event loop is at work ${percentText(busy)} of the time.`,
      advice: 'Raise workers, or add another door. See below who asks for most.',
    };
  }
  const versions = [...new Set(endpoints.flatMap(({ replica }) => replica?.version || []))];
  if (versions.length > 1) {
    yield {
      severity: 'note',
      what: `The replicas run different versions: ${versions.toSorted().join(', ')}.`,
      advice: 'As it should be during an upgrade, and for no longer.',
    };
  }
}

function* metricsProblems({ endpoints }: PageInput): Iterable<Problem> {
  for (const { name, state, replica } of endpoints) {
    if (replica === undefined || state !== 'ready') continue;
    const { result, problem, misfiled } = replica;
    if (result !== 'ok' && result !== undefined) {
      yield {
        severity: 'note',
        what: `The metrics of ${name} cannot be read: ${problem}`,
        advice: 'Version and restarts are not known. It needs a ClusterRole for /metrics.',
      };
    }
    if (misfiled.some(({ watches }) => watches > 0)) {
      yield {
        severity: 'note',
        what: `${name} counts watches as other requests: its latency looks worse than it is.`,
        advice: 'Point dashboards at /replicas/metrics, where that is corrected.',
      };
    }
  }
}
