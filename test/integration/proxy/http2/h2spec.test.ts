// RFC conformance as an outsider sees it: h2spec's generic, http2 and hpack tests in strict mode.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify, stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { openEngine, temporaryPki } from './support/engine.ts';

const run = promisify(execFile);
const binary = fileURLToPath(new URL('../../../../.tools/bin/h2spec', import.meta.url));
const notRun = existsSync(binary) ? '' : ' (not run: no h2spec)';
const BODY = Buffer.from('{"kind":"Status","status":"Success"}\n');

/** Failures that are accepted, by h2spec's own number and description. There are none. */
const EXCEPTIONS: readonly string[] = [];

test.skipIf(notRun !== '')(
  `every test of h2spec passes over TLS in strict mode${notRun}`,
  { timeout: 120_000 },
  async () => {
    const { pki, remove } = await temporaryPki();
    const server = await openEngine({
      pki,
      onRequest: ({ stream, endStream, message }) => {
        const answer = () => {
          stream.sendHeaders([':status', '200', 'content-type', 'application/json'], false);
          stream.sendData(BODY, true);
        };
        if (endStream) {
          answer();
          return;
        }
        const { onData, onHeaders } = message;
        message.onData = (...given) => {
          onData.apply(message, given);
          if (message.ended) answer();
        };
        message.onHeaders = (...given) => {
          onHeaders.apply(message, given);
          if (message.ended) answer();
        };
      },
    });
    const flags = ['-h', '127.0.0.1', '-p', String(server.port), '-t', '-k', '--strict'];
    const suites = ['generic', 'http2', 'hpack'];
    const output = await run(binary, [...flags, ...suites], { maxBuffer: 2 ** 24 }).then(
      ({ stdout }) => stdout,
      // It exits with 1 when a test failed, and has then said which.
      (error: Error & { stdout: string }) => error.stdout,
    );
    await server.close();
    await remove();
    const [, total, passed] = /(\d+) tests, (\d+) passed/.exec(output) ?? [];
    expect(failuresOf(output)).toEqual(EXCEPTIONS);
    expect(Number(total)).toBe(146);
    expect(passed).toBe(total);
  },
);

/** The lines that h2spec marks with a cross, without its colours. */
function failuresOf(output: string): string[] {
  const lines = stripVTControlCharacters(output).split('\n');
  const marked = lines.map((line) => line.trim()).filter((line) => line.startsWith('×'));
  return [...new Set(marked)];
}
