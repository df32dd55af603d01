// Single requests to one kube-apiserver, without the door.
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { ControlPlane, Replica } from '../tools/control-plane.ts';

export interface DirectRequest {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
  /** Of a patch, what kind it is. */
  readonly contentType?: string;
}

const TIMEOUT_MS = 10_000;

/** The body of the answer, as administrator; throws unless the status is 2xx. */
export async function requestDirectly(
  { pki, tokens }: Pick<ControlPlane, 'pki' | 'tokens'>,
  { url }: Pick<Replica, 'url'>,
  { method = 'GET', path, body, contentType = 'application/json' }: DirectRequest,
): Promise<string> {
  const options = {
    method,
    ca: pki.clusterCa.cert,
    headers: {
      authorization: `Bearer ${tokens.admin}`,
      ...(body === undefined ? {} : { 'content-type': contentType }),
    },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  };
  return new Promise((resolve, reject) => {
    request(`${url}${path}`, options, (response) => {
      const good = /^2\d\d$/.test(`${response.statusCode}`);
      const finish = (answer: string): void => {
        if (good) resolve(answer);
        else reject(new Error(`${method} ${path}: answered ${response.statusCode}: ${answer}`));
      };
      text(response).then(finish, reject);
    })
      .on('error', reject)
      .end(body === undefined ? undefined : JSON.stringify(body));
  });
}
