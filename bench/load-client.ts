// A closed loop of requests over HTTP/2, a program of its own, so that its work is on no one's bill.
//
//   node bench/load-client.ts SPEC        SPEC: a LoadSpec as JSON
//
// Each line on standard input is a number of seconds to run for; each run is answered by one line, a
// LoadSample. Connections stay open in between.
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { createInterface } from 'node:readline';
import { CommandError, runCommand } from '../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../common/exit-code.ts';
import { percentile } from './statistics.ts';

export interface LoadSpec {
  /** Connections go to them in turn. */
  readonly urls: readonly string[];
  readonly path: string;
  readonly caPath: string;
  readonly certPath?: string;
  readonly keyPath?: string;
  readonly connections: number;
  /** Requests that are open on each connection at any time. */
  readonly streams: number;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes each request a POST of this file. */
  readonly uploadPath?: string;
  /** An answer of another length is wrong. */
  readonly bodyBytes: number;
}

export interface LoadSample {
  readonly event: 'sample';
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers other than 200 with `bodyBytes`, and lost ones. They are not among `requests`. */
  readonly errors: number;
}

function openSessions(spec: LoadSpec): ClientHttp2Session[] {
  const { certPath, keyPath, urls } = spec;
  const options = {
    ca: readFileSync(spec.caPath),
    ...(certPath === undefined ? {} : { cert: readFileSync(certPath) }),
    ...(keyPath === undefined ? {} : { key: readFileSync(keyPath) }),
  };
  return Array.from({ length: spec.connections }, (_, index) =>
    // Its streams report the loss.
    connect(urls[index % urls.length] ?? '', options).on('error', () => undefined),
  );
}

/** Resolves with whether the answer was right. */
function request(
  session: ClientHttp2Session,
  spec: LoadSpec,
  upload: Buffer | undefined,
): Promise<boolean> {
  return new Promise((resolve) => {
    let status = 0;
    let bytes = 0;
    const method = upload === undefined ? 'GET' : 'POST';
    const stream = session.request(
      { ...spec.headers, ':path': spec.path, ':method': method },
      { endStream: upload === undefined },
    );
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0;
    });
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    stream.on('error', () => resolve(false));
    stream.on('close', () => resolve(status === 200 && bytes === spec.bodyBytes));
    if (upload !== undefined) stream.end(upload);
  });
}

async function run(
  sessions: readonly ClientHttp2Session[],
  spec: LoadSpec,
  seconds: number,
): Promise<LoadSample> {
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  const upload = spec.uploadPath === undefined ? undefined : readFileSync(spec.uploadPath);
  const latenciesMs: number[] = [];
  let errors = 0;
  const loop = async (session: ClientHttp2Session): Promise<void> => {
    for (let now = performance.now(); now < endsAt; now = performance.now()) {
      // A lost connection is not opened again: it makes the run wrong, and must not be hidden.
      if (session.closed || session.destroyed) {
        errors += 1;
        return;
      }
      if (await request(session, spec, upload)) latenciesMs.push(performance.now() - now);
      else errors += 1;
    }
  };
  await Promise.all(
    sessions.flatMap((session) => Array.from({ length: spec.streams }, () => loop(session))),
  );
  return {
    event: 'sample',
    requests: latenciesMs.length,
    seconds: (performance.now() - startedAt) / 1000,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    errors,
  };
}

async function main([text]: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  if (text === undefined) throw new CommandError('the specification is missing');
  const spec: LoadSpec = JSON.parse(text);
  const sessions = openSessions(spec);
  const lines = createInterface({ input: process.stdin, signal });
  for await (const line of lines) {
    const sample = await run(sessions, spec, Number(line));
    process.stdout.write(`${JSON.stringify(sample)}\n`);
  }
  for (const session of sessions) session.destroy();
  return EXIT_CODE.ok;
}

await runCommand(main);
