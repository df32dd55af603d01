// The few requests that the command itself sends to the cluster under load.
import { Agent, request } from 'node:https';
import { CommandError } from '../../common/command.ts';
import type { ClusterAccess } from '../kubeconfig.ts';

/** Also in loadtests/lib/api.ts, which only k6 can load. */
export const LOAD_LABEL = 'evenkeel.dev/load';
const ANSWER_LIMIT_MS = 30_000;
// More than a list of versions or a Status takes; what is longer is cut off.
const BODY_LIMIT_CHARACTERS = 1024 * 1024;

/** The collections of all that suites make: what owns others comes first, nodes after their pods. */
const MADE = [
  '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases',
  '/apis/coordination.k8s.io/v1/namespaces/default/leases',
  '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
  '/apis/apps/v1/namespaces/default/deployments',
  '/api/v1/namespaces/default/services',
  '/api/v1/namespaces/default/configmaps',
  '/api/v1/namespaces/default/secrets',
  '/api/v1/namespaces/default/pods',
  '/api/v1/namespaces/default/events',
  '/api/v1/namespaces/default/serviceaccounts',
  '/api/v1/nodes',
  '/apis/storage.k8s.io/v1/csidrivers',
  '/apis/node.k8s.io/v1/runtimeclasses',
];

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Rejects with a CommandError when there is no answer. */
export function ask(access: ClusterAccess, method: string, path: string): Promise<Answer> {
  const agent = new Agent({ keepAlive: false });
  return new Promise<Answer>((resolve, reject) => {
    const headers = access.token === undefined ? {} : { authorization: `Bearer ${access.token}` };
    const sent = request(`${access.server}${path}`, {
      agent,
      method,
      headers,
      ca: access.caPem,
      cert: access.certificate?.certPem,
      key: access.certificate?.keyPem,
      timeout: ANSWER_LIMIT_MS,
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${ANSWER_LIMIT_MS} ms`)));
    sent.on('error', (cause) => {
      const why = cause.message || (cause as NodeJS.ErrnoException).code;
      reject(new CommandError(`cannot reach ${access.server}: ${why}`, { cause }));
    });
    sent.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        if (body.length < BODY_LIMIT_CHARACTERS) body += text;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.end();
  });
}

/** The version of the server; a CommandError when it does not answer us as somebody it knows. */
export async function checkAccess(access: ClusterAccess): Promise<string> {
  const { status } = await ask(access, 'GET', '/api/v1/nodes?limit=1');
  if (status === 401) {
    throw new CommandError(
      `${access.server} does not accept the credentials (401): the token or certificate has ` +
        'expired or is of another cluster; get a new one',
    );
  }
  if (status === 403) {
    throw new CommandError(`${access.server}: no right to list nodes (403): use an admin's access`);
  }
  if (status !== 200) {
    throw new CommandError(`${access.server}: GET /api/v1/nodes answered ${status}, expected 200`);
  }
  const { body } = await ask(access, 'GET', '/version');
  const { gitVersion } = JSON.parse(body) as { readonly gitVersion?: string };
  return gitVersion ?? 'unknown';
}

/** Deletes what runs have made, of one run or of all that carry the label. */
export async function removeMade(access: ClusterAccess, runId?: string): Promise<void> {
  const selector = runId === undefined ? LOAD_LABEL : `${LOAD_LABEL}=${runId}`;
  for (const path of MADE) {
    // Without grace: bound pods would wait for a kubelet that does not exist.
    const query = `?labelSelector=${encodeURIComponent(selector)}&gracePeriodSeconds=0`;
    const { status } = await ask(access, 'DELETE', `${path}${query}`);
    if (status !== 200) {
      throw new CommandError(`${access.server}: DELETE ${path} answered ${status}, expected 200`);
    }
  }
}

/** Load kills clusters that people use: one that is not on this machine must be asked for. */
export function requireOwnCluster(access: ClusterAccess, owned: boolean): void {
  const { hostname } = new URL(access.server);
  if (owned || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) return;
  throw new CommandError(
    `${access.server} is not on this machine: give --i-own-this-cluster if nobody else needs it`,
  );
}
