import { expect, test } from 'vitest';
import { CommandError } from '../../common/command.ts';
import { type CliHost, runCli } from '../../etcd-tools/cli.ts';
import type { Command, CommandContext } from '../../etcd-tools/command.ts';
import type { MemberClient } from '../../etcd-tools/member-client.ts';
import type { ConnectionFlags } from '../../etcd-tools/options.ts';

const NEVER = new AbortController().signal;

function makeHost(run: (context: CommandContext) => Promise<number> = async () => 0) {
  const out: string[] = [];
  const err: string[] = [];
  const opened: ConnectionFlags[] = [];
  let closed = 0;
  const command = (name: string, more: Partial<Command> = {}): Command => ({
    name,
    summary: `does ${name}`,
    example: `${name} --endpoints http://a:1`,
    options: [
      { name: 'to', value: 'VERSION', help: 'target' },
      { name: 'force', help: 'overwrites' },
    ],
    run: run as Command['run'],
    ...more,
  });
  const host: CliHost = {
    commands: [command('look'), command('tell', { endpointsOptional: true })],
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    version: () => '1.2.3',
    open: async (connection) => {
      opened.push(connection);
      const close = (): void => {
        closed += 1;
      };
      return {
        members: [{ endpoint: 'a', close } as unknown as MemberClient],
        isAuthOn: async () => false,
        clusterVersion: async () => '3.6.0',
      };
    },
  };
  return { host, out, err, opened, closed: () => closed };
}

const GOOD = ['look', '--endpoints', 'http://a:1,http://b:1'];

test.each([
  [[], /^no command; there are: look, tell/],
  [['lok'], /^unknown command "lok"; there are: look, tell/],
  [['look'], /^--endpoints is missing: .*see evenkeel-etcd look --help/],
  [[...GOOD, '--nope'], /^Unknown option '--nope' \(see evenkeel-etcd look --help\)$/],
  [[...GOOD, 'stray'], /^Unexpected argument 'stray'/],
  [[...GOOD, '--to'], /--to/],
  [[...GOOD, '--force=yes'], /--force/],
  [[...GOOD, '--endpoints', 'http://c:1'], /^--endpoints is given twice/],
  [[...GOOD, '-o', 'xml'], /^--output: expected table, json, prometheus, got "xml"/],
  [[...GOOD, '--timeout', '5'], /^--timeout: expected a time up to 10m such as 5s, got "5"/],
  [[...GOOD, '--timeout', '0'], /^--timeout/],
  [[...GOOD, '--timeout', '11m'], /^--timeout/],
  [[...GOOD, '--cacert', ''], /^--cacert: expected a value/],
])('%j is refused in one line, without a word on stdout', async (argv, message) => {
  const { host, out, opened } = makeHost();
  const error = await runCli(host, argv, NEVER).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(CommandError);
  expect(error).toMatchObject({ exitCode: 2, message: expect.stringMatching(message) });
  expect((error as Error).message).not.toContain('\n');
  expect(out).toEqual([]);
  expect(opened).toEqual([]);
});

test('a command gets its own flags, its members, and they are closed afterwards', async () => {
  const { host, out, opened, closed } = makeHost(async ({ flags, members, print, timeoutMs }) => {
    expect(flags).toEqual({ to: '3.6.14', force: true });
    expect(members).toHaveLength(1);
    expect(timeoutMs).toBe(1500);
    expect(closed()).toBe(0);
    print({ blocks: [], json: { revision: 9_007_199_254_740_993n }, metrics: [] });
    return 1;
  });
  const argv = [...GOOD, '--to', '3.6.14', '--force', '--timeout', '1.5s', '-o', 'json'];
  expect(await runCli(host, argv, NEVER)).toBe(1);
  expect(opened).toMatchObject([{ endpoints: 'http://a:1,http://b:1', timeoutMs: 1500 }]);
  expect(JSON.parse(out.join(''))).toEqual({ revision: '9007199254740993' });
  expect(closed()).toBe(1);
});

test('a command that can do without members runs without endpoints', async () => {
  const { host, opened } = makeHost(async ({ members }) => (members.length === 0 ? 0 : 1));
  expect(await runCli(host, ['tell'], NEVER)).toBe(0);
  expect(opened).toEqual([]);
});

test('a bug ends with 3 and not with 1, which would be a warning about the cluster', async () => {
  const { host, closed } = makeHost(() => Promise.reject(new TypeError('x is undefined')));
  await expect(runCli(host, GOOD, NEVER)).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringContaining('x is undefined'),
  });
  expect(closed()).toBe(1);
});

test('what fails because of Ctrl-C is told as that', async () => {
  const controller = new AbortController();
  const { host } = makeHost(() => {
    controller.abort('SIGINT');
    return Promise.reject(new Error('call cancelled'));
  });
  await expect(runCli(host, GOOD, controller.signal)).rejects.toMatchObject({
    exitCode: 3,
    message: 'stopped by SIGINT',
  });
});

test('help has every command, and of a command every flag and an example', async () => {
  const { host, out } = makeHost();
  expect(await runCli(host, ['--help'], NEVER)).toBe(0);
  expect(await runCli(host, ['look', '--help'], NEVER)).toBe(0);
  expect(out[0]).toMatch(/look {2}does look\n {2}tell {2}does tell/);
  expect(out[1]).toMatch(/--to VERSION +target/);
  expect(out[1]).toMatch(/-o, --output FORMAT/);
  expect(out[1]).toContain('evenkeel-etcd look --endpoints http://a:1');
});

test('the version is printed', async () => {
  const { host, out } = makeHost();
  expect(await runCli(host, ['--version'], NEVER)).toBe(0);
  expect(out).toEqual(['evenkeel-etcd 1.2.3\n']);
});
