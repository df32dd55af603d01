import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { ClusterAccess } from '../kubeconfig.ts';

const LIMIT_MS = 10_000;
// Twenty times what a kube-apiserver with a hundred kinds of resources writes.
const BODY_LIMIT_BYTES = 64 * 1024 * 1024;

export type Credentials = Pick<ClusterAccess, 'caPem' | 'token' | 'certificate'>;

/** What is at `url`. Credentials go to https alone. Rejects with what went wrong. */
export function fetchMetrics(url: string, credentials: Credentials): Promise<string> {
  const secure = url.startsWith('https:');
  const { caPem: ca, token, certificate } = credentials;
  const options = {
    agent: false,
    signal: AbortSignal.timeout(LIMIT_MS),
    headers: {
      accept: 'text/plain',
      ...(secure && token !== undefined ? { authorization: `Bearer ${token}` } : {}),
    },
    ...(secure ? { ca, cert: certificate?.certPem, key: certificate?.keyPem } : {}),
  };
  return new Promise((resolve, reject) => {
    const sent = (secure ? httpsRequest : httpRequest)(url, options, async (response) => {
      try {
        const chunks: Buffer[] = [];
        let bytes = 0;
        for await (const chunk of response as AsyncIterable<Buffer>) {
          bytes += chunk.length;
          if (bytes > BODY_LIMIT_BYTES) throw new Error(`more than ${BODY_LIMIT_BYTES} bytes`);
          chunks.push(chunk);
        }
        if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
        resolve(Buffer.concat(chunks).toString('utf8'));
      } catch (error) {
        reject(error);
      }
    });
    sent.on('error', reject);
    sent.end();
  });
}
