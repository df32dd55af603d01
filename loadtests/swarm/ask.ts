import type { Connections, SwarmRequest } from './connections.ts';

export interface SwarmAnswer {
  /** 0 when there was none. */
  readonly status: number;
  readonly body: Buffer;
  /** How it ended, in a word. */
  readonly how: string;
}

/** One request and its whole answer; it never rejects. */
export function askSwarm(
  connections: Connections,
  index: number,
  request: SwarmRequest,
  limitMs: number,
): Promise<SwarmAnswer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const done = (status: number, how: string): void => {
      clearTimeout(timer);
      resolve({ status, how, body: Buffer.concat(chunks) });
    };
    const timer = setTimeout(() => {
      cancel();
      done(0, `no answer within ${limitMs} ms`);
    }, limitMs);
    const cancel = connections.request(index, request, {
      data: (chunk) => void chunks.push(chunk),
      // Half an answer is none.
      end: ({ status = 0, how, code }) => done(how === 'clean' ? status : 0, code ?? how),
    });
  });
}
