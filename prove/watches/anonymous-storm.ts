// Requests without a name, and with tokens that nobody knows: cheap to send, and refused.
import { connect } from 'node:http2';
import { CONFIGMAPS } from './numbered-writer.ts';

const CONNECTIONS = 4;
const TICK_MS = 10;

/** Sends for `durationMs`; resolves with how many were answered, by status. */
export async function storm(
  url: string,
  ca: string,
  perSecond: number,
  durationMs: number,
): Promise<ReadonlyMap<number, number>> {
  const answers = new Map<number, number>();
  const sessions = Array.from({ length: CONNECTIONS }, () =>
    connect(url, { ca }).on('error', () => undefined),
  );
  let sent = 0;
  const beganAtMs = performance.now();
  const send = (): void => {
    const session = sessions[sent % CONNECTIONS];
    sent += 1;
    if (session === undefined || session.closed) return;
    const stream = session.request({
      ':path': CONFIGMAPS,
      ...(sent % 2 === 0 ? {} : { authorization: `Bearer nobody-${sent}` }),
    });
    stream.on('response', (headers) => {
      const status = Number(headers[':status']);
      answers.set(status, (answers.get(status) ?? 0) + 1);
    });
    stream.on('error', () => undefined);
    stream.resume();
  };
  for (;;) {
    const elapsedMs = performance.now() - beganAtMs;
    if (elapsedMs > durationMs) break;
    while (sent < (elapsedMs / 1000) * perSecond) send();
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  for (const session of sessions) session.destroy();
  return answers;
}
