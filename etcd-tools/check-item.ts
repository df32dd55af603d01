// One thing that is looked at before, during or after an upgrade. Pure.
import type { ExitCode } from '../common/exit-code.ts';
import { ETCD_EXIT } from './exit-code.ts';
import type { Answer, Json } from './output.ts';

/**
 * `note` is worth reading and shuts no gate. `unknown` is what would be seen if a member answered,
 * or allowed it. `host` cannot be seen through etcd's API: the command tells how to look.
 */
export type ItemOutcome = 'passed' | 'note' | 'failed' | 'unknown' | 'host';

export interface Item {
  readonly id: string;
  /** What has to hold. */
  readonly title: string;
  readonly outcome: ItemOutcome;
  /** What was found, with names and numbers; what to do where it failed. */
  readonly detail: string;
  /** Commands to run, on the member's host or beside etcdctl. */
  readonly commands: readonly string[];
  /** The failure is that two members proved to differ. */
  readonly diverged?: true;
}

/** What a rule finds; its id and title are in the table. */
export type Finding = Omit<Item, 'id' | 'title'>;

/** One row of a table of rules. Undefined: the rule has nothing to do with this step. */
export interface Rule<Facts> {
  readonly id: string;
  readonly title: string;
  readonly check: (facts: Facts) => Finding | undefined;
}

export function applyRules<Facts>(rules: readonly Rule<Facts>[], facts: Facts): Item[] {
  return rules.flatMap(({ id, title, check }) => {
    const finding = check(facts);
    return finding === undefined ? [] : [{ id, title, ...finding }];
  });
}

export function passed(detail: string): Finding {
  return { outcome: 'passed', detail, commands: [] };
}

export function note(detail: string, commands: readonly string[] = []): Finding {
  return { outcome: 'note', detail, commands };
}

export function failed(detail: string, commands: readonly string[] = []): Finding {
  return { outcome: 'failed', detail, commands };
}

export function unknown(detail: string, commands: readonly string[] = []): Finding {
  return { outcome: 'unknown', detail, commands };
}

export function onHost(detail: string, commands: readonly string[]): Finding {
  return { outcome: 'host', detail, commands };
}

/** A failed item shuts the gate whatever else could not be seen; a proven divergence is 2. */
export function exitOfItems(items: readonly Item[]): ExitCode {
  if (items.some(({ diverged }) => diverged)) return ETCD_EXIT.diverged;
  if (items.some(({ outcome }) => outcome === 'failed')) return ETCD_EXIT.warning;
  if (items.some(({ outcome }) => outcome === 'unknown')) return ETCD_EXIT.unknown;
  return ETCD_EXIT.ok;
}

const MARKS: Readonly<Record<ItemOutcome, string>> = {
  passed: 'passed',
  note: 'note',
  failed: 'FAILED',
  unknown: 'UNKNOWN',
  host: 'on host',
};

/** `facts` are numbers that a later command is to be given. */
export function describeItems(
  heading: string,
  items: readonly Item[],
  facts: Readonly<Record<string, Json>> = {},
): Answer {
  const exit = exitOfItems(items);
  return {
    blocks: [
      {
        title: heading,
        columns: ['', 'check', 'found'],
        rows: items.map(({ outcome, title, detail }) => [MARKS[outcome], title, detail]),
      },
      { lines: commandLines(items) },
      { lines: [conclude(items)] },
    ],
    json: {
      heading,
      passed: exit === ETCD_EXIT.ok,
      facts,
      items: items.map(({ id, title, outcome, detail, commands, diverged }) => ({
        id,
        title,
        outcome,
        detail,
        commands,
        diverged: diverged === true,
      })),
    },
    metrics: [
      {
        name: 'evenkeel_etcd_check',
        help: '1 for the outcome of each check.',
        samples: items.map(({ id, outcome }) => ({ labels: { check: id, outcome }, value: 1 })),
      },
      {
        name: 'evenkeel_etcd_checks_passed',
        help: 'Whether the whole list of checks allows to go on.',
        samples: [{ labels: {}, value: exit === ETCD_EXIT.ok ? 1 : 0 }],
      },
    ],
  };
}

function commandLines(items: readonly Item[]): string[] {
  return items.flatMap(({ title, commands }) =>
    commands.length === 0 ? [] : [`${title}:`, ...commands.map((command) => `  ${command}`)],
  );
}

function conclude(items: readonly Item[]): string {
  const count = (outcome: ItemOutcome): number =>
    items.filter((item) => item.outcome === outcome).length;
  const [failures, unknowns, hosts] = [count('failed'), count('unknown'), count('host')];
  const rest = hosts === 0 ? '' : `; ${hosts} more to be looked at on the hosts`;
  if (failures > 0) return `do not go on: ${failures} failed, ${unknowns} unknown${rest}`;
  if (unknowns > 0) return `do not go on: ${unknowns} could not be found out${rest}`;
  return `all that can be seen from here is as it ought to be${rest}`;
}

/** What keeps the gate shut, for whoever waits for it to open. */
export function openItems(items: readonly Item[]): string[] {
  return items
    .filter(({ outcome }) => outcome === 'failed' || outcome === 'unknown')
    .map(({ title }) => title);
}
