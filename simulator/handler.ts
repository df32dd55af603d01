// One request from first header to last byte, in the order of kube-apiserver's handler chain
// (k8s.io/apiserver pkg/server/config.go DefaultBuildHandlerChain): shutdown, authentication,
// impersonation, authorization, then the resource.
import { Answer, internalError } from './answer.ts';
import { authenticate, isAnonymous } from './authentication.ts';
import { impersonated, refusePath, refuseResource } from './authorization.ts';
import { discover } from './discovery.ts';
import { type Exchange, header } from './exchange.ts';
import type { Identity } from './identity.ts';
import { serveLog } from './logs.ts';
import { readList, readObject } from './read.ts';
import { parsePath, type ResourceRequest } from './request-path.ts';
import type { Serving } from './serving.ts';
import {
  badRequest,
  forbidden,
  methodNotAllowed,
  notAcceptable,
  StatusError,
  unauthorized,
  unknownResource,
} from './status.ts';
import { serveUpgrade, type UpgradeExchange } from './upgrade.ts';
import { serveWatch } from './watch.ts';
import {
  createObject,
  deleteCollection,
  deleteObject,
  patchObject,
  updateObject,
} from './write.ts';

/** How a replica answers at the moment; faults and shutdown change it. */
export interface Behaviour {
  /** /readyz says no: shutting down. */
  unready: boolean;
  /** Requests get the 429 of a server that no longer accepts any. */
  rejecting: boolean;
  /** Every request but health probes gets this status. */
  answer: 429 | 500 | 503 | undefined;
}

const HEALTH_PATH = /^\/(readyz|livez|healthz)(\/|$)/;
const SELF_REVIEW_PATH = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const SELF_REVIEW = { group: 'authentication.k8s.io', plural: 'selfsubjectreviews' };
const MEDIA_TYPES = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json;stream=watch',
  'application/vnd.kubernetes.protobuf;stream=watch',
];

/** Answers requests for one life of a replica. */
export class Handler {
  readonly #serving: Serving;
  readonly #behaviour: Behaviour;
  readonly #address: () => string;

  constructor(serving: Serving, behaviour: Behaviour, address: () => string) {
    this.#serving = serving;
    this.#behaviour = behaviour;
    this.#address = address;
  }

  /** Never throws: what goes wrong becomes a Status, and what cannot be answered is dropped. */
  async handle(exchange: Exchange, upgrade?: UpgradeExchange): Promise<void> {
    const separator = exchange.target.indexOf('?');
    const path = separator === -1 ? exchange.target : exchange.target.slice(0, separator);
    const query = new URLSearchParams(separator === -1 ? '' : exchange.target.slice(separator));
    const request = parsePath(exchange.method, path, query);
    const answer = new Answer(exchange);
    let code: number;
    try {
      code = await this.#route({ exchange, path, query, request, answer, upgrade });
    } catch (error) {
      const status = error instanceof StatusError ? error : internalError(error);
      code = status.code;
      answer.status(status);
    }
    this.#serving.counters.countRequest({
      verb: typeof request === 'object' ? request.verb : exchange.method.toLowerCase(),
      resource: typeof request === 'object' ? request.resource.plural : '',
      code,
    });
  }

  async #route(call: Call): Promise<number> {
    const { exchange, path, query, request, answer } = call;
    const health = HEALTH_PATH.test(path);
    if (this.#behaviour.rejecting && !health) return answer.shuttingDown();
    if (this.#behaviour.answer !== undefined && !health)
      return answer.fault(this.#behaviour.answer);

    const { allowedGroups } = this.#serving.config;
    const identity = this.#identify(exchange);
    answer.prioritised();

    if (typeof request === 'object') {
      const refusal = refuseResource(identity, request, allowedGroups);
      if (refusal) throw refusal;
      return this.#resource(call, request);
    }
    if (path === SELF_REVIEW_PATH) return reviewSelf(exchange, identity, answer);
    const refusal = refusePath(identity, exchange.method.toLowerCase(), path, allowedGroups);
    if (refusal) throw refusal;
    if (request === 'unknown resource') throw unknownResource();
    if (health) return this.#health(path, query, answer);
    return this.#nonResource(path, answer);
  }

  /** Throws a 401 or 403 Status. */
  #identify(exchange: Exchange): Identity {
    const { allowedGroups, authentication } = this.#serving.config;
    const authenticated = authenticate(exchange, authentication);
    const unknown = !authenticated || isAnonymous(authenticated);
    // Since 1.29 nobody unknown keeps an HTTP/2 connection: UnauthenticatedHTTP2DOSMitigation.
    if (unknown && exchange.httpVersion === '2') exchange.closeConnection();
    if (!authenticated) throw unauthorized();
    const identity = impersonated(authenticated, exchange, allowedGroups);
    if (identity instanceof StatusError) throw identity;
    return identity;
  }

  async #resource(call: Call, request: ResourceRequest): Promise<number> {
    const { exchange, query, answer, upgrade } = call;
    const { resource, name, subresource, verb } = request;
    if (subresource !== undefined && subresource !== 'status') {
      return this.#stream(call, request, subresource);
    }
    if (subresource === 'status' && !resource.status) throw unknownResource();
    checkScope(request);
    if (verb === 'watch') {
      checkAcceptable(exchange);
      return serveWatch(exchange, request, query, this.#serving, answer.headers);
    }
    if (upgrade) throw badRequest('only exec, attach and portforward can be upgraded');
    checkAcceptable(exchange);
    switch (verb) {
      case 'get':
        return answer.json(
          200,
          this.#serving.encoder.object(resource, await readObject(request, query, this.#serving)),
        );
      case 'list':
        return answer.json(200, await readList(request, query, this.#serving));
      case 'create':
        if (name !== undefined) throw methodNotAllowed();
        return answer.written(await createObject(exchange, request, query, this.#serving));
      case 'update':
        return answer.written(await updateObject(exchange, request, query, this.#serving));
      case 'patch':
        return answer.written(await patchObject(exchange, request, query, this.#serving));
      case 'delete':
        return answer.written(deleteObject(request, query, this.#serving));
      case 'deletecollection':
        return answer.written(deleteCollection(request, query, this.#serving));
      default:
        throw methodNotAllowed();
    }
  }

  async #stream(call: Call, request: ResourceRequest, subresource: string): Promise<number> {
    const { exchange, query, answer, upgrade } = call;
    const { resource, name = '' } = request;
    if (!resource.streams.includes(subresource)) throw unknownResource();
    if (exchange.method !== 'GET' && (exchange.method !== 'POST' || subresource === 'log')) {
      throw methodNotAllowed();
    }
    await readObject(request, new URLSearchParams(), this.#serving);
    if (subresource === 'log') {
      serveLog(exchange, name, query, this.#serving, answer.headers);
      return 200;
    }
    if (!upgrade) throw badRequest('Upgrade request required');
    serveUpgrade(upgrade, query);
    const { counters } = this.#serving;
    counters.openUpgrades++;
    upgrade.socket.once('close', () => counters.openUpgrades--);
    return 101;
  }

  #health(path: string, query: URLSearchParams, answer: Answer): number {
    const check = path.split('/')[1] ?? '';
    if (check === 'readyz' && this.#behaviour.unready) {
      return answer.text(
        500,
        '[+]ping ok\n[-]shutdown failed: reason withheld\nreadyz check failed\n',
      );
    }
    if (query.has('verbose')) return answer.text(200, `[+]ping ok\n${check} check passed\n`);
    return answer.text(200, 'ok');
  }

  #nonResource(path: string, answer: Answer): number {
    if (path === '/metrics') {
      const { counters, view, startedAtSeconds } = this.#serving;
      return answer.text(200, counters.text(view.revision, startedAtSeconds));
    }
    const found = discover(path, this.#address());
    if (!found) return answer.text(404, '404 page not found\n');
    // The version alone is written for people, by encoding/json's MarshalIndent.
    return path.startsWith('/version')
      ? answer.json(200, JSON.stringify(found, undefined, 2))
      : answer.json(200, JSON.stringify(found));
  }
}

interface Call {
  readonly exchange: Exchange;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly request: ReturnType<typeof parsePath>;
  readonly answer: Answer;
  readonly upgrade: UpgradeExchange | undefined;
}

function reviewSelf(exchange: Exchange, identity: Identity, answer: Answer): number {
  if (exchange.method !== 'POST') throw methodNotAllowed();
  if (isAnonymous(identity)) {
    throw forbidden(
      `User "${identity.username}" cannot create resource "${SELF_REVIEW.plural}" in API group "${SELF_REVIEW.group}" at the cluster scope`,
      { resource: SELF_REVIEW },
    );
  }
  return answer.json(
    201,
    JSON.stringify({
      kind: 'SelfSubjectReview',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { creationTimestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z') },
      status: { userInfo: identity },
    }),
  );
}

/** Objects of a namespaced resource are only reached through their namespace. */
function checkScope({ resource, namespace, name, verb }: ResourceRequest): void {
  const collection = verb === 'list' || verb === 'watch';
  if (resource.namespaced && namespace === undefined && !(collection && name === undefined)) {
    throw verb === 'get' || name !== undefined ? unknownResource() : methodNotAllowed();
  }
  if (name === undefined && (verb === 'update' || verb === 'patch')) throw methodNotAllowed();
  if (verb === 'deletecollection' && !resource.deleteCollection) throw methodNotAllowed();
}

function checkAcceptable(exchange: Exchange): void {
  const accept = header(exchange, 'accept');
  if (!accept) return;
  const known = accept
    .split(',')
    .map((part) => part.split(';')[0]?.trim() ?? '')
    .some((type) => type === '*/*' || type === 'application/*' || MEDIA_TYPES.includes(type));
  if (!known) throw notAcceptable(MEDIA_TYPES);
}
