/**
 * The value that a field selector demands of `field` with "=" or "==", or undefined: the selector is
 * malformed, or demands nothing of it. Follows apimachinery pkg/fields/selector.go: terms are
 * sorted, and the first one that matches wins.
 */
export function requiredFieldValue(selector: string, field: string): string | undefined {
  let found: string | undefined;
  for (const term of splitTerms(selector).sort()) {
    if (term === '') continue;
    const equals = term.indexOf('=');
    if (equals < 0) return undefined; // Without an operator the whole selector is an error.
    const negative = equals > 0 && term[equals - 1] === '!';
    const valueStart = term[equals + 1] === '=' && !negative ? equals + 2 : equals + 1;
    const value = unescapeValue(term.slice(valueStart));
    if (value === undefined) return undefined;
    if (!negative && term.slice(0, equals) === field) found ??= value;
  }
  return found;
}

/** Commas separate, unless a backslash stands before them. */
function splitTerms(selector: string): string[] {
  if (!selector.includes('\\')) return selector.split(',');
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < selector.length; i++) {
    if (selector[i] === '\\') {
      i++;
    } else if (selector[i] === ',') {
      terms.push(selector.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(selector.slice(start));
  return terms;
}

/** A bare "," or "=" and an unknown or unfinished escape make the selector invalid. */
function unescapeValue(text: string): string | undefined {
  let value = '';
  for (let i = 0; i < text.length; i++) {
    let character = text[i] ?? '';
    if (character === '\\') {
      character = text[++i] ?? '';
      if (character !== '\\' && character !== ',' && character !== '=') return undefined;
    } else if (character === ',' || character === '=') {
      return undefined;
    }
    value += character;
  }
  return value;
}
