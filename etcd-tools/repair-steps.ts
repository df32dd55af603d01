// The steps that make a diverged member whole (etcd.io, docs/v3.6/op-guide/data_corruption). Pure.

/** The member that is wrong. */
export interface Subject {
  readonly name: string;
  /** Hexadecimal. */
  readonly id: string;
  readonly endpoint: string;
  readonly peerUrls: readonly string[];
  readonly leads: boolean;
  /** Undefined when nothing was proven against it just now. */
  readonly proof: string | undefined;
}

export interface RepairOptions {
  readonly subjects: readonly Subject[];
  /** Members that answered and are not among the subjects. */
  readonly others: readonly {
    readonly name: string;
    readonly id: string;
    readonly endpoint: string;
    readonly leads: boolean;
  }[];
  /** Of the whole cluster. */
  readonly voters: number;
}

export interface RepairStep {
  readonly text: string;
  readonly command?: string;
  /** `here`, or where else. */
  readonly where: string;
}

export interface RepairPlan {
  /** What `$ENDPOINTS` stands for in commands. */
  readonly endpoints: string;
  readonly heading: string;
  readonly warnings: readonly string[];
  readonly steps: readonly RepairStep[];
}

type PlanText = Omit<RepairPlan, 'endpoints'>;

export function planRepair(options: RepairOptions): RepairPlan {
  const { subjects, others, voters } = options;
  const endpoints = [...others, ...subjects].map(({ endpoint }) => endpoint).join(',');
  if (subjects.length === 0) {
    return {
      heading: 'no member has diverged: nothing to repair',
      endpoints,
      warnings: [],
      steps: [],
    };
  }
  const names = subjects.map(({ name }) => name).join(', ');
  // Who is left must be able to elect a leader and to commit, and be the side that is believed.
  if (others.length < Math.floor(voters / 2) + 1)
    return { endpoints, ...restoreAll(names, options) };
  const [subject] = subjects;
  if (subject === undefined || subjects.length > 1)
    return { endpoints, ...restoreAll(names, options) };
  return { endpoints, ...replaceOne(subject, options) };
}

function replaceOne(subject: Subject, { others, voters }: RepairOptions): PlanText {
  const { name, id, endpoint, peerUrls, leads, proof } = subject;
  const good = others.find((other) => other.leads) ?? others[0];
  const from = good?.endpoint ?? '';
  const spare = voters - 1 - (Math.floor((voters - 1) / 2) + 1);
  return {
    heading: `replace ${name} (${id})`,
    warnings: [
      proof ?? `nothing was proven against ${name} just now: run \`evenkeel-etcd hash\` first`,
      `${name} answers reads with wrong data until it is taken out`,
      `while it is away the cluster has ${voters - 1} members and stands the loss of ${Math.max(0, spare)}`,
      `take no snapshot of ${name}, and restore none that was taken of it`,
    ],
    steps: [
      here(
        'see once more who differs, at a quiet time',
        `evenkeel-etcd hash --endpoints $ENDPOINTS`,
      ),
      here(
        'save the good data',
        `evenkeel-etcd snapshot --endpoints $ENDPOINTS --member ${good?.name ?? 'GOOD'} --out before-repair.db`,
      ),
      ...(leads
        ? [
            here(
              `${name} leads, and hands its data to whoever joins: move the leader first`,
              `etcdctl --endpoints ${endpoint} move-leader ${good?.id ?? 'ID'}`,
            ),
          ]
        : []),
      here(`take ${endpoint} out of what clients use`),
      on(name, 'stop etcd, and keep a copy of the data directory: it is the evidence'),
      here('take it out of the cluster', `etcdctl --endpoints ${from} member remove ${id}`),
      on(name, 'move the data directory away, the WAL directory too'),
      here(
        'add it again, as a learner that does not count yet',
        `etcdctl --endpoints ${from} member add ${name} --learner --peer-urls=${peerUrls.join(',')}`,
      ),
      on(
        name,
        'start etcd with --initial-cluster-state=existing and the --initial-cluster just told',
      ),
      here(
        'when it has caught up, promote it; its id is new',
        `etcdctl --endpoints ${from} member promote NEW-ID`,
      ),
      here('prove that all is well', `evenkeel-etcd hash --endpoints $ENDPOINTS`),
      here(
        'where CORRUPT was raised, disarm it now and not before',
        `etcdctl --endpoints ${from} alarm disarm`,
      ),
      here(`give ${endpoint} back to clients`),
      here('find out why', `evenkeel-etcd advise --endpoints $ENDPOINTS`),
    ],
  };
}

/** No majority is known to be right, so that members cannot be made whole by each other. */
function restoreAll(names: string, { subjects, others }: RepairOptions): PlanText {
  const everybody = [...subjects, ...others];
  return {
    heading: `${names}: no majority says which data is right`,
    warnings: [
      ...subjects.flatMap(({ name, proof }) => (proof === undefined ? [] : [`${name}: ${proof}`])),
      'etcd cannot tell who is right here: it takes somebody who knows the data',
      'replacing members one by one would spread the data of whoever leads, right or wrong',
      'restoring makes every client see the revision of the snapshot: watches must start anew',
    ],
    steps: [
      here('stop writes: stop the apiservers, or whoever writes'),
      ...everybody.map(({ name, endpoint }) =>
        here(
          `save what ${name} holds`,
          `evenkeel-etcd snapshot --endpoints ${endpoint} --member ${name} --out ${name}.db`,
        ),
      ),
      here('compare them, and choose one', 'etcdutl snapshot status NAME.db -w table'),
      on('every host', 'stop etcd, and move the data directory away'),
      on(
        'every host',
        'restore the chosen one',
        'etcdutl snapshot restore CHOSEN.db --name NAME --initial-cluster ... --bump-revision 1000000000 --mark-compacted',
      ),
      on('every host', 'start etcd'),
      here('prove that all is well', `evenkeel-etcd hash --endpoints $ENDPOINTS`),
    ],
  };
}

function here(text: string, command?: string): RepairStep {
  return { text, where: 'here', ...(command !== undefined && { command }) };
}

function on(where: string, text: string, command?: string): RepairStep {
  return { text, where, ...(command !== undefined && { command }) };
}
