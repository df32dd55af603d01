// Numbers and text as the reports show them.
import type { MetricLine } from '../result.ts';

const UNIT_WORD: Readonly<Record<MetricLine['unit'], string>> = {
  ms: 'ms',
  s: 's',
  '1': '',
  bytes: 'B',
  '1/s': '/s',
  ratio: '',
};

const MIB = 1024 ** 2;

/** Three digits are what a run is good for. */
export function showValue(value: number, unit: MetricLine['unit']): string {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  if (unit === 's' && size > 0 && size < 1) return showValue(value * 1000, 'ms');
  if (unit === 'bytes' && size >= MIB) return `${showNumber(value / MIB)} MiB`;
  const word = UNIT_WORD[unit];
  const number = showNumber(value);
  return word === '' ? number : `${number} ${word}`;
}

export function showNumber(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

/** Short enough for an axis. */
export function showMs(ms: number): string {
  return ms >= 1000 ? `${showNumber(ms / 1000)} s` : `${showNumber(ms)} ms`;
}

const ENTITY: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Text for HTML, SVG and XML, in content and in quoted attributes. Names of results come from
 * clusters. Characters that XML 1.0 does not allow (section 2.2) are replaced.
 */
export function escapeMarkup(text: string): string {
  return [...text]
    .map((character) => (isXmlCharacter(character) ? (ENTITY[character] ?? character) : '\ufffd'))
    .join('');
}

function isXmlCharacter(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return !(code >= 0xd800 && code <= 0xdfff) && code !== 0xfffe && code !== 0xffff;
}
