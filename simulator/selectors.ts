// Label and field selectors (apimachinery pkg/labels/selector.go, pkg/fields/selector.go), parsed
// once per request into one predicate.
import { fieldAt, type StoredObject } from './objects.ts';
import type { Resource } from './resources.ts';
import { badRequest } from './status.ts';

/** Whether an object is selected. */
export type Predicate = (object: StoredObject) => boolean;

interface Requirement {
  readonly key: string;
  readonly operator: 'in' | 'notin' | 'exists' | 'missing';
  readonly values: readonly string[];
}

const SET_REQUIREMENT = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/;
const EQUALITY_REQUIREMENT = /^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/;
const EXISTENCE_REQUIREMENT = /^(!?)\s*([^=!\s,()]+)$/;

/** Parses `labelSelector`; undefined when it selects everything. */
export function parseLabelSelector(text: string | null): Predicate | undefined {
  if (!text?.trim()) return undefined;
  const requirements = splitOutsideParentheses(text).map((part) => parseRequirement(part, text));
  return ({ metadata: { labels } }) =>
    requirements.every((requirement) => meets(requirement, labels ?? {}));
}

function parseRequirement(part: string, text: string): Requirement {
  const set = SET_REQUIREMENT.exec(part);
  if (set) {
    const [, key = '', operator = '', list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return { key, operator: operator === 'in' ? 'in' : 'notin', values };
  }
  const equality = EQUALITY_REQUIREMENT.exec(part);
  if (equality) {
    const [, key = '', operator, value = ''] = equality;
    return { key, operator: operator === '!=' ? 'notin' : 'in', values: [value] };
  }
  const existence = EXISTENCE_REQUIREMENT.exec(part);
  if (existence) {
    const [, negated, key = ''] = existence;
    return { key, operator: negated ? 'missing' : 'exists', values: [] };
  }
  throw badRequest(`unable to parse requirement: found '${part}' in label selector '${text}'`);
}

function meets({ key, operator, values }: Requirement, labels: Record<string, string>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'in':
      return value !== undefined && values.includes(value);
    case 'notin':
      // An object without the label passes `!=` and `notin`: the documented surprise.
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case 'missing':
      return value === undefined;
  }
}

function splitOutsideParentheses(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Parses `fieldSelector`; only the fields that the resource declares are accepted. */
export function parseFieldSelector(text: string | null, resource: Resource): Predicate | undefined {
  if (!text?.trim()) return undefined;
  const terms = text.split(',').map((term) => parseFieldTerm(term.trim(), text, resource));
  return (object) =>
    terms.every(({ path, value, equal }) => (fieldText(object, path) === value) === equal);
}

function parseFieldTerm(term: string, text: string, resource: Resource) {
  const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(term);
  if (!match) {
    throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
  }
  const [, field = '', operator, value = ''] = match;
  const known = field === 'metadata.name' || field === 'metadata.namespace';
  if (!known && !resource.selectableFields.includes(field)) {
    // Only resources with fields of their own have a conversion function with words of its own.
    throw badRequest(
      resource.selectableFields.length > 0
        ? `field label not supported: ${field}`
        : `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`,
    );
  }
  return { path: field.split('.'), value, equal: operator !== '!=' };
}

/** Absent fields compare as their Go zero value: '' for text, 'false' for the only boolean ones. */
function fieldText(object: StoredObject, path: string[]): string {
  const value = fieldAt(object, ...path);
  if (value !== undefined && value !== null) return String(value);
  const last = path.at(-1);
  return last === 'hostNetwork' || last === 'unschedulable' ? 'false' : '';
}

/** Joins predicates; undefined when there is none, so that callers can skip the test. */
export function allOf(...predicates: (Predicate | undefined)[]): Predicate | undefined {
  const present = predicates.filter((predicate) => predicate !== undefined);
  if (present.length === 0) return undefined;
  return (object) => present.every((predicate) => predicate(object));
}
