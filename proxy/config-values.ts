// How single values of the configuration are written and what they mean. Each parser returns
// undefined for what it cannot read; the schema says what was expected.
import { showValue } from './config-error.ts';

const SIZE = /^(\d+)(B|KiB|MiB|GiB)$/;
const SIZE_UNITS: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
]);

/** "64KiB" in bytes. Decimal units (kB) are not read, so that nobody mistakes one for the other. */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text);
  const bytes = Number(match?.[1]) * (SIZE_UNITS.get(match?.[2] ?? '') ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** One kube-apiserver address. */
export interface EndpointAddress {
  /** A label of metrics and log lines. */
  readonly name: string;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
}

const HTTPS_PORT = 443;

/** Reads an https URL that names a host and nothing below it; its host and port are the name. */
export function parseEndpoint(url: string): EndpointAddress | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port, host, pathname, search, hash, username, password } = new URL(
    url,
  );
  const extras = search + hash + username + password;
  if (protocol !== 'https:' || hostname === '' || pathname !== '/' || extras !== '') {
    return undefined;
  }
  const address = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return { name: host, host: address, port: port === '' ? HTTPS_PORT : Number(port) };
}

/** The same sentence for every key: what belongs here and what stands here. */
export function expected(what: string): { error: (issue: { readonly input: unknown }) => string } {
  return {
    error: ({ input }) =>
      input === undefined
        ? `missing, expected ${what}`
        : `expected ${what}, got ${showValue(input)}`,
  };
}

/** What the program reads has its unit in the name: `interval` becomes `intervalMs`. */
export function inMs<T extends object, K extends keyof T & string>(values: T, keys: readonly K[]) {
  const isTime = (name: string): boolean => (keys as readonly string[]).includes(name);
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [isTime(name) ? `${name}Ms` : name, value]),
  ) as Omit<T, K> & { readonly [P in K as `${P}Ms`]: T[P] };
}
