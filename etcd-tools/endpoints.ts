// The addresses of members: as users write them, and as a member list has them.
import { isIPv6 } from 'node:net';
import { CommandError } from '../common/command.ts';
import type { Header, ListedMember } from './member-report.ts';

/** Where one member serves clients. */
export interface Endpoint {
  /** In one form, whatever was written: `https://127.0.0.1:2379`. */
  readonly url: string;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

const DEFAULT_PORT = 2379;
const MAX_ENDPOINTS = 100;

/**
 * Reads `--endpoints`: URLs or host:port, separated by commas. Without a scheme it is TLS when
 * there are certificates, as etcdctl has it. The same address twice is one. Throws CommandError.
 */
export function parseEndpoints(text: string, secureByDefault: boolean): Endpoint[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.length > MAX_ENDPOINTS) {
    throw new CommandError(`--endpoints: ${parts.length} are more than ${MAX_ENDPOINTS}`);
  }
  const endpoints = parts.map((part) => parseEndpoint(part, secureByDefault));
  return [...new Map(endpoints.map((endpoint) => [endpoint.url, endpoint])).values()];
}

function parseEndpoint(text: string, secureByDefault: boolean): Endpoint {
  if (text === '') throw new CommandError('--endpoints: has an empty part; separate by one comma');
  const withScheme = text.includes('://')
    ? text
    : `${secureByDefault ? 'https' : 'http'}://${text}`;
  const problem = (what: string): CommandError =>
    new CommandError(`--endpoints: "${withoutPassword(text)}": ${what}`);
  if (!URL.canParse(withScheme)) throw problem('is no URL, such as https://10.0.0.1:2379');
  const url = new URL(withScheme);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw problem(`${url.protocol.slice(0, -1)} is not spoken here, only http and https`);
  }
  if (url.username !== '' || url.password !== '') {
    throw problem('holds a user; give --user and --password-file');
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw problem('has a path; a member is known by host and port alone');
  }
  return endpointOf(url, withScheme);
}

function endpointOf(url: URL, text: string): Endpoint {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  // The URL class leaves out a port that is the scheme's own, and so cannot tell it from none.
  const written = /:(\d+)\/?$/.exec(text)?.[1];
  const port = Number(url.port === '' ? (written ?? DEFAULT_PORT) : url.port);
  const secure = url.protocol === 'https:';
  const shown = isIPv6(host) ? `[${host}]` : host;
  return { url: `${secure ? 'https' : 'http'}://${shown}:${port}`, host, port, secure };
}

/** The text may be in a log, and what stands before an @ may be a password. */
function withoutPassword(text: string): string {
  return text.replace(/\/\/[^/@]*@/, '//***@');
}

/** An endpoint with what answered there. */
export interface Answered<T> {
  readonly endpoint: Endpoint;
  readonly header: Pick<Header, 'clusterId' | 'memberId'>;
  /** The caller's own, such as the open client. */
  readonly of: T;
}

/** Endpoints sorted by who answered. */
export interface Identified<T> {
  /** One for each member, in the order given. */
  readonly members: readonly Answered<T>[];
  /** Further URLs of members that are already there: counting one twice would give it two votes. */
  readonly duplicates: readonly Answered<T>[];
}

/**
 * Keeps one endpoint per member. Throws CommandError when they are not of one cluster: figures of
 * two clusters must never be compared.
 */
export function identifyMembers<T>(answers: readonly Answered<T>[]): Identified<T> {
  const clusters = Map.groupBy(answers, ({ header }) => header.clusterId);
  if (clusters.size > 1) {
    const parts = [...clusters].map(
      ([id, of]) => `${of.map(({ endpoint }) => endpoint.url).join(', ')} of ${formatId(id)}`,
    );
    throw new CommandError(`--endpoints: of ${clusters.size} clusters: ${parts.join('; ')}`);
  }
  const seen = new Set<bigint>();
  const members: Answered<T>[] = [];
  const duplicates: Answered<T>[] = [];
  for (const answer of answers) {
    (seen.has(answer.header.memberId) ? duplicates : members).push(answer);
    seen.add(answer.header.memberId);
  }
  return { members, duplicates };
}

/** A member of the list that no endpoint of the user's leads to. */
export interface Missing {
  readonly member: ListedMember;
  /** Where to try it; empty when it has never started, or lists nothing that can be dialled. */
  readonly endpoints: readonly Endpoint[];
}

/** What the member list has beyond the `known` members. */
export function findMissing(
  listed: readonly ListedMember[],
  known: ReadonlySet<bigint>,
): readonly Missing[] {
  return listed
    .filter(({ id }) => !known.has(id))
    .map((member) => ({ member, endpoints: member.clientUrls.flatMap(parseListed) }));
}

/** Members advertise what they were configured with, which need not be an address for others. */
function parseListed(text: string): Endpoint[] {
  if (!URL.canParse(text)) return [];
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol) || /^(0\.0\.0\.0|\[::\])$/.test(url.hostname)) return [];
  return [endpointOf(url, text)];
}

/** As etcdctl prints ids. */
export function formatId(id: bigint): string {
  return id.toString(16);
}
