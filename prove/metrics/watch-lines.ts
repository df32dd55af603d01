import { type ClientHttp2Session, connect } from 'node:http2';
import type { ControlPlane } from '../../tools/control-plane.ts';

/** A watch in JSON on a connection of its own: nothing of another one is before it. */
export function watchLines(
  { pki, tokens }: ControlPlane,
  url: string,
  path: string,
  onLine: (line: string) => void,
): ClientHttp2Session {
  const session = connect(url, { ca: pki.clusterCa.cert });
  session.on('error', () => undefined);
  const stream = session.request({ ':path': path, authorization: `Bearer ${tokens.admin}` });
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('error', () => undefined);
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  return session;
}
