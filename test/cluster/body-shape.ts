// Two answers compared: what differs in status, media type, body fields and their values. Values
// that no two servers share (uids, revisions, times) count as equal when both are there.
import type { Answer } from '../integration/simulator/client.ts';

/** One difference: a place in the answer, and what each side has there. */
export interface Difference {
  /** `status`, `header NAME`, or a path into the body such as `items[0].metadata.name`. */
  readonly at: string;
  readonly real: string;
  readonly simulated: string;
}

const HEADERS = ['content-type', 'retry-after', 'x-content-type-options', 'cache-control'];

// The last key of a path whose value says nothing: it need only exist on both sides.
const VOLATILE =
  /\.(uid|resourceVersion|creationTimestamp|continue|serverAddress|storageVersionHash|git\w+|goVersion|buildDate|platform)$/;
// managedFields is server-side apply's book-keeping; the simulator keeps none, anywhere.
const IGNORED = /(^|\.)managedFields\[/;
const ABSENT = '(absent)';

/** Everything in which the simulated answer differs from the real one. */
export function differences(real: Answer, simulated: Answer): Difference[] {
  const left = flatten(real);
  const right = flatten(simulated);
  const places = new Set([...left.keys(), ...right.keys()]);
  const found: Difference[] = [];
  for (const at of places) {
    const [ours, theirs] = [right.get(at) ?? ABSENT, left.get(at) ?? ABSENT];
    if (ours !== theirs) found.push({ at, real: theirs, simulated: ours });
  }
  return found;
}

function flatten(answer: Answer): Map<string, string> {
  const places = new Map([['status', String(answer.status)]]);
  for (const name of HEADERS) {
    const value = answer.headers[name];
    if (value !== undefined) places.set(`header ${name}`, String(value));
  }
  const documents = parse(answer.text);
  if (documents.length === 1) visit('', documents[0], places);
  else for (const [index, document] of documents.entries()) visit(`[${index}]`, document, places);
  return places;
}

/** A JSON value, one value per line as in a watch, or else the text itself. */
function parse(text: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch {
    // Not one document.
  }
  try {
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  } catch {
    return [text];
  }
}

function visit(at: string, value: unknown, places: Map<string, string>): void {
  if (IGNORED.test(`${at}[`)) return;
  if (typeof value !== 'object' || value === null) {
    places.set(at, VOLATILE.test(at) ? '(any)' : normalised(String(value)));
    return;
  }
  const entries = Object.entries(value);
  if (entries.length === 0) places.set(at, Array.isArray(value) ? '[]' : '{}');
  for (const [key, nested] of entries) {
    visit(Array.isArray(value) ? `${at}[${key}]` : `${at}.${key}`, nested, places);
  }
}

/** Generated names and revisions inside of messages. */
function normalised(text: string): string {
  return text.replace(/^g-[a-z0-9]{5}$/, 'g-(any)').replace(/current: \d+/, 'current: (any)');
}
