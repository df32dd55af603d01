import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import { CommandError, type CommandProcess, runCommand } from '../../common/command.ts';
import { EXIT_CODE } from '../../common/exit-code.ts';

class FakeProcess extends EventEmitter implements CommandProcess {
  readonly argv: readonly string[];
  readonly lines: string[] = [];
  readonly stderr = { write: (text: string): number => this.lines.push(text) };
  exitCode?: string | number | null | undefined;

  constructor(...args: readonly string[]) {
    super();
    this.argv = ['node', 'main.ts', ...args];
  }
}

test('main gets the arguments after the script and its result is the exit code', async () => {
  const host = new FakeProcess('--check', 'x');
  await runCommand(async (argv) => {
    expect(argv).toEqual(['--check', 'x']);
    return EXIT_CODE.checkFailed;
  }, host);
  expect(host.exitCode).toBe(3);
  expect(host.lines).toEqual([]);
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s aborts the signal and names itself', async (name) => {
  const host = new FakeProcess();
  await runCommand(async (_argv, signal) => {
    host.emit(name);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBe(name);
    return EXIT_CODE.ok;
  }, host);
  expect(host.exitCode).toBe(0);
});

test('the signal that npm passes on beside the terminal does not end the clean-up', async () => {
  const host = new FakeProcess();
  await runCommand(async (_argv, signal) => {
    host.emit('SIGINT');
    host.emit('SIGINT');
    host.emit('SIGTERM');
    expect(signal.reason).toBe('SIGINT');
    expect(host.listenerCount('SIGINT')).toBe(1);
    return EXIT_CODE.ok;
  }, host);
  expect(host.lines).toEqual([]); // A failed expectation inside main would be reported here.
});

test('a second after the first signal another one has its default effect again', async () => {
  vi.useFakeTimers();
  const host = new FakeProcess();
  await runCommand(async () => {
    host.emit('SIGINT');
    vi.advanceTimersByTime(1000);
    expect(host.listenerCount('SIGINT') + host.listenerCount('SIGTERM')).toBe(0);
    return EXIT_CODE.ok;
  }, host);
  vi.useRealTimers();
  expect(host.lines).toEqual([]);
});

test('no listener stays behind, whether main returns or throws', async () => {
  const host = new FakeProcess();
  await runCommand(async () => EXIT_CODE.ok, host);
  await runCommand(() => Promise.reject(new Error('x')), host);
  expect(host.eventNames()).toEqual([]);
});

test('an error that the caller can mend is one line and exit code 2', async () => {
  const host = new FakeProcess();
  await runCommand(() => Promise.reject(new CommandError('listen.port: bad\nvalue')), host);
  expect(host.exitCode).toBe(2);
  expect(host.lines).toEqual(['error: listen.port: bad value\n']);
});

test('an unexpected error is one line and exit code 1; --debug adds stack and cause', async () => {
  const failure = new Error('boom', { cause: new Error('why') });
  const plain = new FakeProcess();
  await runCommand(() => Promise.reject(failure), plain);
  expect(plain.exitCode).toBe(1);
  expect(plain.lines).toEqual(['unexpected error: boom (run again with --debug for the stack)\n']);

  const debug = new FakeProcess('--debug');
  await runCommand(() => Promise.reject(failure), debug);
  expect(debug.lines.join('')).toMatch(/boom[\s\S]*command\.test\.ts[\s\S]*why/);
});
