// Our server, held against hyper-h2, which httpx speaks HTTP/2 with.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { TOOLS_DIRECTORY } from '../../../../tools/binaries.ts';
import { openEngine } from './support/engine.ts';
import { serveExchanges } from './support/exchanges.ts';
import { until } from './support/recorder.ts';

const run = promisify(execFile);
const program = fileURLToPath(new URL('support/python-peer.py', import.meta.url));
/** Where `npm run bench:peers` puts it. */
const folder = join(TOOLS_DIRECTORY, 'peers/python');
const notRun = existsSync(join(folder, 'h2')) ? '' : ' (not run: no h2, see npm run bench:peers)';

test.skipIf(notRun !== '')(
  `hyper-h2 gets headers, trailers, padding, resets and windows of one byte from our server${notRun}`,
  { timeout: 90_000 },
  async () => {
    const server = await openEngine({ onRequest: serveExchanges });
    try {
      const { stdout } = await run('python3', [program, folder, String(server.port)]);
      expect(stdout.trim().split('\n')).toEqual([
        'headers',
        '1 MiB and trailer',
        'padding',
        'reset',
        '100 streams',
        'cancel',
        'ping',
        'window of one byte, opened in mid-flight',
      ]);
      await until(() => server.connections.every(({ openStreams }) => openStreams === 0));
      expect(server.closed.filter(({ peerFault }) => peerFault)).toEqual([]);
    } finally {
      await server.close();
    }
  },
);
