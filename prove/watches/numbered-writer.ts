// Writes objects steadily, straight to the apiservers, and numbers each write of each object, so that
// whoever watches them knows what it has missed.
import { type ClientHttp2Session, connect } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import type { ControlPlane, Replica } from '../../tools/control-plane.ts';
import { SENT_ANNOTATION, SEQUENCE_ANNOTATION } from '../../tools/informers.ts';
import { requestDirectly } from '../apiserver-client.ts';

export const CONFIGMAPS = '/api/v1/namespaces/default/configmaps';

const OBJECTS = 20;
const RETRY_MS = 100;
const ANSWER_LIMIT_MS = 5000;
/** Requests that are under way to a replica that is about to be avoided are over by then. */
const SETTLE_MS = 300;

export class NumberedWriter {
  readonly #controlPlane: ControlPlane;
  readonly #sequences = new Array<number>(OBJECTS).fill(0);
  readonly #sessions = new Map<Replica, ClientHttp2Session>();
  /** One for each object: the writes of an object must come one after the other. */
  #running: Promise<void>[] = [];
  #avoided: Replica | undefined;
  #stopped = false;

  constructor(controlPlane: ControlPlane) {
    this.#controlPlane = controlPlane;
  }

  /** Creates the objects. */
  async prepare(): Promise<void> {
    const [replica] = this.#controlPlane.replicas;
    if (replica === undefined) throw new Error('a control plane without a replica');
    for (let index = 0; index < OBJECTS; index += 1) {
      const body = { metadata: { name: nameOf(index) }, data: { text: 'x'.repeat(200) } };
      const request = { method: 'POST', path: CONFIGMAPS, body } as const;
      await requestDirectly(this.#controlPlane, replica, request);
    }
  }

  /** So many writes a second, round the objects, until `stop`. */
  start(perSecond: number): void {
    const everyMs = (OBJECTS / perSecond) * 1000;
    const nowMs = performance.now();
    this.#running = this.#sequences.map((_, index) =>
      this.#write(index, nowMs + (everyMs * index) / OBJECTS, everyMs),
    );
  }

  /** Before something is done to a replica: what is measured is watches, not lost writes. */
  async avoid(replica: Replica): Promise<void> {
    this.#avoided = replica;
    await delay(SETTLE_MS);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
    for (const session of this.#sessions.values()) session.destroy();
  }

  async #write(index: number, firstAtMs: number, everyMs: number): Promise<void> {
    for (let dueAtMs = firstAtMs; !this.#stopped; dueAtMs += everyMs) {
      await delay(Math.max(0, dueAtMs - performance.now()));
      const sequence = (this.#sequences[index] ?? 0) + 1;
      this.#sequences[index] = sequence;
      const annotations = {
        [SEQUENCE_ANNOTATION]: `${sequence}`,
        [SENT_ANNOTATION]: `${Date.now()}`,
      };
      // Until it is done: one that was done but not answered is a no-op when it comes again.
      for (let attempt = 0; !this.#stopped; attempt += 1) {
        if (await this.#patch(index, attempt, { metadata: { annotations } })) break;
        await delay(RETRY_MS);
      }
    }
  }

  /** @returns whether it was answered with 200 */
  #patch(index: number, attempt: number, body: object): Promise<boolean> {
    const others = this.#controlPlane.replicas.filter(
      (one) => one.running && one !== this.#avoided,
    );
    const replica = others[(index + attempt) % Math.max(1, others.length)];
    if (replica === undefined) return Promise.resolve(false);
    return new Promise((resolve) => {
      let status = 0;
      const stream = this.#session(replica).request({
        ':method': 'PATCH',
        ':path': `${CONFIGMAPS}/${nameOf(index)}`,
        authorization: `Bearer ${this.#controlPlane.tokens.admin}`,
        'content-type': 'application/merge-patch+json',
      });
      stream.setTimeout(ANSWER_LIMIT_MS, () => stream.destroy());
      stream.on('response', (headers) => {
        status = Number(headers[':status']);
      });
      stream.on('error', () => undefined);
      stream.on('close', () => resolve(status === 200 && stream.rstCode === 0));
      stream.resume();
      stream.end(JSON.stringify(body));
    });
  }

  #session(replica: Replica): ClientHttp2Session {
    const present = this.#sessions.get(replica);
    if (present !== undefined && !present.closed && !present.destroyed) return present;
    const fresh = connect(replica.url, { ca: this.#controlPlane.pki.clusterCa.cert });
    // Its streams report the loss.
    fresh.on('error', () => undefined);
    this.#sessions.set(replica, fresh);
    return fresh;
  }
}

function nameOf(index: number): string {
  return `numbered-${index}`;
}
