// What k6 is run against and how hard. k6 has no flags of a script's own, so that it all comes in
// environment variables, the token too: a command line can be read by everybody on the machine.
import type { Options } from 'k6/options';

function required(name: string): string {
  const value = __ENV[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set`);
  return value;
}

function positive(name: string): number {
  const value = Number(required(name));
  if (!(value > 0)) throw new Error(`${name}: expected a number above 0, got "${__ENV[name]}"`);
  return value;
}

export const SERVER: string = required('LOAD_SERVER');
export const RUN_ID: string = required('LOAD_RUN_ID');
/** Simulated nodes: every rate and every number of objects is a function of them. */
export const NODES: number = positive('LOAD_NODES');
export const WARMUP_SECONDS: number = positive('LOAD_WARMUP_SECONDS');
export const MEASURE_SECONDS: number = positive('LOAD_MEASURE_SECONDS');

/** `host:port` of each member, and empty where the run does not know them. */
export const ETCD: readonly string[] = (__ENV.LOAD_ETCD ?? '').split(',').filter(Boolean);

/**
 * For so long the servers may stand still, as with a fault in the run, before a request that is due
 * finds nobody to send it.
 */
export const STALL_SECONDS = Number(__ENV.LOAD_STALL_SECONDS ?? '0');

// In a pod it is a file, which a manifest can name without holding the secret.
const TOKEN_FILE = __ENV.LOAD_TOKEN_FILE;
const TOKEN = TOKEN_FILE === undefined ? __ENV.LOAD_TOKEN : open(TOKEN_FILE).trim();
export const AUTHORIZATION: Readonly<Record<string, string>> =
  TOKEN === undefined ? {} : { Authorization: `Bearer ${TOKEN}` };

/**
 * The client's certificate, where there is one. The authority is not here: k6 has no option for it,
 * and reads SSL_CERT_FILE as every Go program does.
 */
export function tlsOptions(): Pick<Options, 'tlsAuth'> {
  const certificate = __ENV.LOAD_CERTIFICATE;
  const key = __ENV.LOAD_KEY;
  if (certificate === undefined || key === undefined) return {};
  return { tlsAuth: [{ cert: open(certificate), key: open(key) }] };
}
