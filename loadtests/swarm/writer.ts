// Makes the changes that the watchers are to see. Each object has one change under way at most, and
// each change is bound to the revision it starts from: so it is committed once or not at all, also
// when its answer was lost, and the sequence numbers have no holes of our own making.
import { CommandError } from '../../common/command.ts';
import { EXIT_CODE } from '../../common/exit-code.ts';
import { askSwarm, type SwarmAnswer } from './ask.ts';
import type { Connections } from './connections.ts';
import { readListVersion } from './event.ts';
import { MARKER_ANNOTATION, type Mark, type Marker } from './marker.ts';
import type { SwarmResource } from './resource.ts';

/** As loadtests/run/cluster.ts removes by it what a killed run has left. */
const LOAD_LABEL = 'evenkeel.dev/load';
const SHARD_LABEL = 'evenkeel.dev/swarm-shard';
const ANSWER_LIMIT_MS = 10_000;
const RETRY_MS = 200;
const CREATES_AT_ONCE = 16;

/** A kubelet finds what is its own by the object's name, or by the node of a pod. */
export type Select = 'label' | 'name' | 'node';

export interface WriterParts {
  readonly connections: Connections;
  /** Its own connection's number. */
  readonly connection: number;
  readonly collection: string;
  readonly resource: SwarmResource;
  readonly marker: Marker;
  readonly runId: string;
  readonly objects: number;
  readonly shards: number;
  /** Labels that the watchers select by, besides the shard's. */
  readonly labels: Readonly<Record<string, string>>;
  /** By what else than labels a watcher finds its shard. */
  readonly select: Select;
  /** What was refused or not answered. */
  readonly failed: (why: string) => void;
}

export class Writer {
  readonly #parts: WriterParts;
  readonly #versions: Float64Array;
  readonly #busy: Uint8Array;
  readonly #running = new Set<Promise<void>>();
  #next = 0;
  #stopped = false;
  /** Changes that were begun, and those that found every object busy. */
  written = 0;
  dropped = 0;
  /** By object: what is known to be committed. */
  readonly sequences: Int32Array;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#versions = new Float64Array(parts.objects);
    this.#busy = new Uint8Array(parts.objects);
    this.sequences = new Int32Array(parts.objects);
  }

  /** What the watchers of a shard ask with: `labelSelector` or `fieldSelector`. */
  selector(shard: number): Readonly<Record<string, string>> {
    const { shards, labels, select } = this.#parts;
    // As many objects as shards: parseSwarm.
    if (select === 'name') return { fieldSelector: `metadata.name=${this.#name(shard)}` };
    if (select === 'node') return { fieldSelector: `spec.nodeName=${this.#name(shard)}` };
    const all = shards === 1 ? labels : { ...labels, [SHARD_LABEL]: String(shard) };
    const labelSelector = Object.entries(all)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    return labelSelector === '' ? {} : { labelSelector };
  }

  /** Creates all objects. A CommandError says why one cannot be. */
  async prepare(): Promise<void> {
    if (this.#parts.resource.plural === 'pods') await this.#createAccount();
    const waiting = Array.from({ length: this.#parts.objects }, (_, object) => object);
    const failures: unknown[] = [];
    const worker = async (): Promise<void> => {
      for (let object = waiting.pop(); object !== undefined; object = waiting.pop()) {
        if (failures.length > 0) return;
        await this.#create(object).catch((error: unknown) => failures.push(error));
      }
    };
    // All have to be over before anybody removes what they have made.
    await Promise.all(Array.from({ length: CREATES_AT_ONCE }, worker));
    if (failures.length > 0) throw failures[0];
  }

  /** Begins one change; counts it as dropped when each object has one under way. */
  change(): void {
    const { objects } = this.#parts;
    for (let tries = 0; tries < objects; tries += 1) {
      const object = this.#next;
      this.#next = (object + 1) % objects;
      if (this.#busy[object] === 1) continue;
      this.#busy[object] = 1;
      this.written += 1;
      const running = this.#commit(object).finally(() => {
        this.#busy[object] = 0;
        this.#running.delete(running);
      });
      this.#running.add(running);
      return;
    }
    this.dropped += 1;
  }

  /** No more tries; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  /** Also what was created without our having been told. A CommandError says what is left. */
  async remove(): Promise<void> {
    const { collection, resource } = this.#parts;
    await this.#removeFrom(collection);
    if (resource.plural === 'pods') await this.#removeFrom(this.#accounts());
  }

  async #removeFrom(collection: string): Promise<void> {
    // Without grace: pods on a node would wait for a kubelet that does not exist.
    const path = `${collection}?${this.#ownQuery()}&gracePeriodSeconds=0`;
    const { status, how } = await this.#ask({ method: 'DELETE', path });
    if (status === 200 || status === 404) return;
    const { runId } = this.#parts;
    throw new CommandError(
      `DELETE ${collection}: ${status || how}: objects labelled ${LOAD_LABEL}=${runId} are left`,
      { exitCode: EXIT_CODE.failure },
    );
  }

  /** Every object as it is stored now, from a consistent list; undefined without an answer. */
  async stored(): Promise<Int32Array | undefined> {
    const { collection, marker, objects } = this.#parts;
    const { status, body } = await this.#ask({ path: `${collection}?${this.#ownQuery()}` });
    if (status !== 200) return undefined;
    const sequences = new Int32Array(objects);
    for (const { object, sequence } of marker.all(body)) sequences[object] = sequence;
    return sequences;
  }

  /** Admission asks for one of each pod, and where no controller runs there is no default. */
  async #createAccount(): Promise<void> {
    const { runId } = this.#parts;
    const metadata = { name: `swarm-${runId}`, labels: { [LOAD_LABEL]: runId } };
    await this.#post(this.#accounts(), { metadata });
  }

  async #create(object: number): Promise<void> {
    const { collection, resource, runId, shards, labels } = this.#parts;
    const { apiVersion, kind } = resource;
    const metadata = {
      name: this.#name(object),
      labels: {
        ...labels,
        [LOAD_LABEL]: runId,
        [SHARD_LABEL]: String(object % shards),
      },
      annotations: { [MARKER_ANNOTATION]: this.#mark(object, 1) },
    };
    const body = this.#body(object % shards);
    const answer = await this.#post(collection, { apiVersion, kind, metadata, ...body });
    this.#know(object, 1, answer);
  }

  #body(shard: number): object {
    const { resource, select, runId } = this.#parts;
    if (resource.plural !== 'pods') return resource.body;
    const { spec } = resource.body as { readonly spec: object };
    const nodeName = select === 'node' ? { nodeName: this.#name(shard) } : {};
    return { spec: { ...spec, serviceAccountName: `swarm-${runId}`, ...nodeName } };
  }

  async #post(collection: string, object: object): Promise<SwarmAnswer> {
    const answer = await this.#ask({
      method: 'POST',
      path: collection,
      contentType: 'application/json',
      body: JSON.stringify(object),
    });
    if (answer.status !== 201) {
      const why = answer.status === 0 ? answer.how : `${answer.status} ${message(answer.body)}`;
      throw new CommandError(`POST ${collection}: ${why}`);
    }
    return answer;
  }

  /** Until the change is known to be committed, or the writer is stopped. */
  async #commit(object: number): Promise<void> {
    const sequence = (this.sequences[object] ?? 0) + 1;
    while (!this.#stopped) {
      const answer = await this.#patch(object, sequence);
      if (answer.status === 200) {
        this.#know(object, sequence, answer);
        return;
      }
      this.#parts.failed(`patch ${answer.status || answer.how}`);
      // It may have been committed all the same, and somebody else may have changed the object.
      const now = await this.#ask({ path: this.#path(object) });
      const mark = now.status === 200 ? this.#parts.marker.find(now.body)?.mark : undefined;
      if (mark !== undefined) this.#know(object, mark.sequence, now);
      if (mark?.sequence === sequence) return;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  #patch(object: number, sequence: number): Promise<SwarmAnswer> {
    const annotations = { [MARKER_ANNOTATION]: this.#mark(object, sequence) };
    const resourceVersion = String(this.#versions[object]);
    return this.#ask({
      method: 'PATCH',
      path: this.#path(object),
      contentType: 'application/merge-patch+json',
      body: JSON.stringify({ metadata: { resourceVersion, annotations } }),
    });
  }

  #know(object: number, sequence: number, { body }: SwarmAnswer): void {
    this.sequences[object] = sequence;
    // An object has its revision where a list has its own.
    this.#versions[object] = readListVersion(body, 'json');
  }

  #mark(object: number, sequence: number): string {
    const mark: Mark = { object, sequence, sentUs: Math.round(performance.now() * 1000) };
    return this.#parts.marker.format(mark);
  }

  #ownQuery(): string {
    return `labelSelector=${encodeURIComponent(`${LOAD_LABEL}=${this.#parts.runId}`)}`;
  }

  /** Beside the pods. */
  #accounts(): string {
    return this.#parts.collection.replace(/pods$/, 'serviceaccounts');
  }

  #name(object: number): string {
    return `swarm-${this.#parts.runId}-${object}`;
  }

  #path(object: number): string {
    return `${this.#parts.collection}/${this.#name(object)}`;
  }

  #ask(request: Parameters<typeof askSwarm>[2]): Promise<SwarmAnswer> {
    const { connections, connection } = this.#parts;
    return askSwarm(connections, connection, request, ANSWER_LIMIT_MS);
  }
}

/** Of the Status, or whatever else was answered, cut short. */
function message(body: Buffer): string {
  const text = body.toString('utf8');
  try {
    return (JSON.parse(text) as { readonly message?: string }).message ?? '';
  } catch {
    return text.slice(0, 200);
  }
}
