// One round of `evenkeel-etcd lag --watch -o json` as the rows read it. Pure.

/** A JSON object of which nothing is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** One member in one round. */
export interface SeenMember {
  /** As in the member list. */
  readonly name: string;
  readonly state: string;
  /** What is held against it. */
  readonly difference: Difference | undefined;
  readonly etaMs: number | undefined;
  /** In words, with the numbers. */
  readonly proof: string;
  /** Its last Status of the round; undefined where there was none. */
  readonly status: SeenStatus | undefined;
}

/** 64-bit numbers as the text that they are printed as. */
export interface SeenStatus {
  readonly version: string;
  readonly revision: string;
  readonly raftTerm: string;
  readonly raftIndex: string;
  readonly raftAppliedIndex: string;
  readonly leader: string;
  readonly alarms: string;
}

/** Its store compared with the others'. */
export interface Difference {
  readonly direction: string;
  readonly atLeast: number;
  /** Infinite where the round did not tell. */
  readonly atMost: number;
  readonly confirmed: boolean;
}

export interface LagRound {
  /** Since its process was started, from 1. */
  readonly number: number;
  readonly tookMs: number;
  /** When the line came, of our own monotonic clock. */
  readonly seenAtMs: number;
  readonly members: readonly SeenMember[];
}

export function parseLagRound(text: string, seenAtMs: number): LagRound {
  const round = objectOf(JSON.parse(text));
  return {
    number: numberOf(round.rounds),
    tookMs: numberOf(round.tookMs),
    seenAtMs,
    members: listOf(round.members).map(parseMember),
  };
}

/** Told to hold other data than the rest, or less than it had. */
export function isDiverged({ state }: SeenMember): boolean {
  return /^(DIVERGED_|REV_REGRESSION$)/.test(state);
}

/** `500` where it is known exactly. */
export function formatDifference({ direction, atLeast, atMost, confirmed }: Difference): string {
  const amount =
    atMost === atLeast
      ? `${atLeast}`
      : `${atLeast} to ${Number.isFinite(atMost) ? atMost : 'any number'}`;
  return `${amount} ${direction}${confirmed ? '' : ', suspected'}`;
}

function parseMember(member: JsonObject): SeenMember {
  const { name, state, difference, trend, proof, status } = member;
  const { etaMs } = objectOf(trend);
  return {
    name: String(name),
    state: String(state),
    difference: isObject(difference) ? parseDifference(difference) : undefined,
    etaMs: typeof etaMs === 'number' ? etaMs : undefined,
    proof: Array.isArray(proof) ? proof.join('; ') : '',
    status: isObject(status) ? parseStatus(status) : undefined,
  };
}

function parseDifference({ direction, atLeast, atMost, confirmed }: JsonObject): Difference {
  return {
    direction: String(direction),
    atLeast: numberOf(atLeast),
    atMost: atMost === null ? Number.POSITIVE_INFINITY : numberOf(atMost),
    confirmed: confirmed === true,
  };
}

function parseStatus(status: JsonObject): SeenStatus {
  const text = (name: keyof SeenStatus): string => JSON.stringify(status[name]);
  return {
    version: text('version'),
    revision: text('revision'),
    raftTerm: text('raftTerm'),
    raftIndex: text('raftIndex'),
    raftAppliedIndex: text('raftAppliedIndex'),
    leader: text('leader'),
    alarms: text('alarms'),
  };
}

/** Of 64 bits it is text; differences and numbers of rounds are small. */
function numberOf(value: unknown): number {
  const found = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN;
  if (Number.isNaN(found)) throw new Error(`a round of lag has ${String(value)} for a number`);
  return found;
}

function listOf(value: unknown): JsonObject[] {
  if (!Array.isArray(value)) throw new Error('a round of lag has no members');
  return value.filter(isObject);
}

function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null;
}
