// The shape of the configuration file: every key, what it may hold, its default. Keys are written
// without units because their values carry them ("interval: 5s"); what the program reads has its
// unit in the name. The only file that knows zod.
import { z } from 'zod';
import { parseDuration } from '../common/duration.ts';
import { LOG_LEVELS } from '../common/log.ts';
import { expected, inMs, parseEndpoint, parseSize } from './config-values.ts';

const DURATION = expected('a duration with its unit, like "500ms", "10s" or "5m"');
const SIZE = expected('a size with its unit, like "64KiB" or "3MiB"');
const ENDPOINT = expected('an address like "https://10.0.0.1:6443", without a path');

const text = (what: string) => z.string(expected(what)).min(1, expected(what));
const pemPath = () => text('the path of a PEM file');
const boolean = () => z.boolean(expected('true or false'));
const port = () => integer('a port from 0 (any free one) to 65535', 0, 65_535);

function integer(what: string, minimum: number, maximum: number) {
  const message = expected(what);
  return z.number(message).int(message).min(minimum, message).max(maximum, message);
}

const count = (minimum: number, maximum: number) =>
  integer(`a whole number from ${minimum} to ${maximum}`, minimum, maximum);

/** Zero would mean "at once" to one reader and "never" to the next, so it is refused. */
const duration = (initial: string) => measure(parseDuration, DURATION, initial);
const size = (initial: string) => measure(parseSize, SIZE, initial);

function measure(
  parse: (text: string) => number | undefined,
  message: ReturnType<typeof expected>,
  initial: string,
) {
  return z
    .string(message)
    .transform((input, context) => {
      const value = parse(input);
      if (value !== undefined && value > 0) return value;
      context.issues.push({ code: 'custom', message: message.error({ input }), input });
      return z.NEVER;
    })
    .prefault(initial);
}

const section = expected('a section of keys');

const listen = z.strictObject(
  {
    address: text('an IP address to listen on').default('0.0.0.0'),
    port: port().default(6443),
    certificate: pemPath(),
    key: pemPath(),
  },
  section,
);

const identity = z.strictObject(
  { clientCA: pemPath().optional(), sendUid: boolean().default(true) },
  section,
);

const headerNames = z.array(text('a header name'), expected('a list of header names'));

const frontProxy = z.strictObject(
  {
    certificate: pemPath(),
    key: pemPath(),
    stripHeaders: headerNames
      // In the form that the strip compares: "X_Auth_User" is "x-auth-user".
      .transform((names) => names.map((name) => name.toLowerCase().replace(/[^a-z0-9]/g, '-')))
      .prefault([]),
  },
  section,
);

const endpoint = z
  .strictObject(
    { url: z.string(ENDPOINT), name: text('a name').optional() },
    expected('an address like "https://10.0.0.1:6443", or a section with url and name'),
  )
  .transform(({ url, name }, context) => {
    const address = parseEndpoint(url);
    if (address !== undefined) return { ...address, name: name ?? address.name };
    const message = ENDPOINT.error({ input: url });
    context.issues.push({ code: 'custom', message, input: url, path: ['url'] });
    return z.NEVER;
  });

const endpoints = expected('a list of at least one kube-apiserver address');

const upstream = z
  .strictObject(
    {
      ca: pemPath(),
      serverName: text('a DNS name').optional(),
      endpoints: z.array(endpoint, endpoints).min(1, endpoints),
      connectTimeout: duration('2s'),
      headerTimeout: duration('65s'),
      connectionsPerEndpoint: count(1, 10_000).default(512),
    },
    section,
  )
  .transform((values) => inMs(values, ['connectTimeout', 'headerTimeout']));

const health = z
  .strictObject(
    {
      path: text('a path')
        .startsWith('/', expected('a path that begins with "/"'))
        .default('/readyz'),
      interval: duration('1s'),
      timeout: duration('1s'),
      unhealthyAfter: count(1, 100).default(2),
      healthyAfter: count(1, 100).default(2),
      user: text('a user name').default('system:evenkeel'),
    },
    section,
  )
  .transform((values) => inMs(values, ['interval', 'timeout']));

const outlier = z
  .strictObject(
    {
      consecutiveFailures: count(1, 1000).default(5),
      baseEjection: duration('10s'),
      maxEjection: duration('5m'),
      maxEjectedPercent: count(0, 100).default(50),
    },
    section,
  )
  .transform((values) => inMs(values, ['baseEjection', 'maxEjection']));

const balancing = z
  .strictObject({ slowStart: duration('30s'), outlier: outlier.prefault({}) }, section)
  .transform(({ slowStart, ...rest }) => ({ ...rest, slowStartMs: slowStart }));

const rebalance = z
  .strictObject(
    {
      maxOverMeanPercent: count(1, 1000).default(10),
      minDifference: count(1, 1_000_000).default(10),
      movesPerSecond: count(1, 100_000).default(50),
      settle: duration('5s'),
    },
    section,
  )
  .transform(({ maxOverMeanPercent, settle, ...rest }) => ({
    ...rest,
    maxOverMean: 1 + maxOverMeanPercent / 100,
    settleMs: settle,
  }));

const watches = z
  .strictObject(
    {
      pingAfter: duration('1s'),
      suspectAfter: duration('2s'),
      deadAfter: duration('5s'),
      continuationsPerSecond: count(1, 100_000).default(2000),
      maxWait: duration('10s'),
      rebalance: rebalance.prefault({}),
    },
    section,
  )
  .transform((values) => inMs(values, ['pingAfter', 'suspectAfter', 'deadAfter', 'maxWait']));

const retry = z
  .strictObject(
    {
      budgetPercent: count(0, 100).default(20),
      minPerSecond: count(0, 10_000).default(10),
      maxAttempts: count(1, 10).default(3),
      replayBody: size('3MiB'),
      replayMemory: size('256MiB'),
    },
    section,
  )
  .transform(({ replayBody, replayMemory, ...rest }) => ({
    ...rest,
    replayBodyBytes: replayBody,
    replayMemoryBytes: replayMemory,
  }));

const limits = z
  .strictObject(
    {
      connections: count(1, 1_000_000).default(10_000),
      streamsPerConnection: count(1, 10_000).default(250),
      resetsPerSecond: count(1, 100_000).default(200),
      header: size('64KiB'),
      handshakeTimeout: duration('10s'),
      headerTimeout: duration('10s'),
      idleUpload: duration('60s'),
      stalledResponse: duration('60s'),
      idleConnection: duration('3m'),
    },
    section,
  )
  .transform(({ header, ...rest }) => ({
    headerBytes: header,
    ...inMs(rest, [
      'handshakeTimeout',
      'headerTimeout',
      'idleUpload',
      'stalledResponse',
      'idleConnection',
    ]),
  }));

const drain = z
  .strictObject({ timeout: duration('60s'), watchSpread: duration('20s') }, section)
  .transform(({ timeout, watchSpread }) => ({ timeoutMs: timeout, watchSpreadMs: watchSpread }));

const replicaMetrics = z
  .strictObject(
    {
      enabled: boolean().default(true),
      interval: duration('30s'),
      timeout: duration('5s'),
      maxSize: size('64MiB'),
      group: text('a group name').default('system:monitoring'),
    },
    section,
  )
  .transform(({ maxSize, ...rest }) => ({
    ...inMs(rest, ['interval', 'timeout']),
    maxBytes: maxSize,
  }));

const admin = z.strictObject(
  {
    address: text('an IP address to listen on').default('127.0.0.1'),
    port: port().default(9480),
    replicaMetrics: replicaMetrics.prefault({}),
  },
  section,
);

const log = z.strictObject(
  {
    level: z.enum(LOG_LEVELS, expected(`one of ${LOG_LEVELS.join(', ')}`)).default('info'),
    sampleEvery: count(1, 1_000_000).default(1),
  },
  section,
);

const schema = z.strictObject(
  {
    workers: z.union([z.literal('auto'), count(1, 64)], expected('1 to 64, or auto')).default(1),
    listen,
    identity: identity.prefault({}),
    frontProxy: frontProxy.optional(),
    upstream,
    health: health.prefault({}),
    balancing: balancing.prefault({}),
    watches: watches.prefault({}),
    retry: retry.prefault({}),
    limits: limits.prefault({}),
    drain: drain.prefault({}),
    admin: admin.prefault({}),
    log: log.prefault({}),
  },
  section,
);

/** All values of a file, in base units; certificates and keys still as paths. */
export type ConfigValues = z.output<typeof schema>;

/** The first thing that is wrong: where, what, and the unknown keys if that is what it is. */
export interface ConfigProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly unknownKey?: string | undefined;
}

export function checkValues(
  input: unknown,
): { readonly values: ConfigValues } | { readonly problem: ConfigProblem } {
  const result = schema.safeParse(input);
  if (result.success) return { values: result.data };
  const issues = result.error.issues;
  // A misspelt key also leaves a required one missing; the misspelling is the better hint.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  const unknownKey = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  return { problem: { path: issue?.path ?? [], message: issue?.message ?? '', unknownKey } };
}

/** For the documentation, and for finding the keys that exist at a path. */
export function configJsonSchema(): object {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
}
