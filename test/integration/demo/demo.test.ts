// The demo as its users start it, without a terminal: its figures must agree with each other, and
// nothing may be left behind.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ROOT_DIRECTORY } from '../../../tools/binaries.ts';

const LIMIT_MS = 60_000;
const POLL_MS = 20;

let directory: string;
let running: ChildProcess | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'evenkeel-demo-test-'));
});

afterEach(async () => {
  running?.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

/** Starts the demo with a temporary folder of its own, so that what it leaves can be seen. */
function startDemo(...args: string[]) {
  const child = spawn(process.execPath, [join(ROOT_DIRECTORY, 'simulator/demo/main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { TMPDIR: directory },
  });
  running = child;
  let text = '';
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  const exited = once(child, 'close').then(([code]) => ({ code, text }));
  return { child, exited, output: () => text };
}

/** Numbers of the row that begins with `label`, within one block of the table. */
function figuresOf(text: string, title: string, label: string): number[] {
  const block = text.slice(text.indexOf(`\n${title}`));
  const line = block.split('\n').find((candidate) => candidate.includes(label)) ?? '';
  const figures = line.slice(line.indexOf(label) + label.length);
  return [...figures.matchAll(/\d+(\.\d+)?/g)].map(([number]) => Number(number));
}

/** The door is a process of its own; its command line names the demo's folder. */
async function processesNaming(part: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(part)) found.push(command.replaceAll('\0', ' '));
  }
  return found;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + LIMIT_MS;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${LIMIT_MS} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

test(
  'a short run counts every watch on both sides, and the door costs nobody a relist',
  async () => {
    const { code, text } = await startDemo('--seconds', '16', '--clients', '12').exited;
    expect(text).not.toContain('\u001b');
    expect(text).toMatch(/^before: TCP balancer .*\nkilled: .* down, .*\nrestarted: /m);

    const watches = ['apiserver-1', 'apiserver-2', 'apiserver-3'].map((name) => {
      const [, tcp = -1, , door = -1] = figuresOf(text, 'restarted ', name);
      return { tcp, door };
    });
    expect(watches.reduce((sum, { tcp }) => sum + tcp, 0)).toBe(6);
    expect(watches.reduce((sum, { door }) => sum + door, 0)).toBe(6);
    expect(watches[1]?.tcp).toBe(0);
    expect(watches[1]?.door).toBeGreaterThan(0);

    const [, doorRelists] = figuresOf(text, '', 'informers that relisted');
    expect(doorRelists).toBe(0);
    const [tcpFailed = 0, tcpCalls = 0, doorFailed = 0, doorCalls = 0] = figuresOf(
      text,
      '',
      'requests that failed',
    );
    expect(tcpFailed).toBeLessThan(tcpCalls);
    expect(doorCalls).toBeGreaterThan(100);
    // An update that is under way at the very moment of the kill may fail, and then the demo says so.
    expect(code).toBe(doorFailed === 0 ? 0 : 3);
    expect(await readdir(directory)).toEqual([]);
    expect(await processesNaming(directory)).toEqual([]);
  },
  LIMIT_MS,
);

test.each([
  ['while it starts', (text: string) => text.includes('Starting')],
  ['while it runs', (text: string) => text.includes('before:')],
])(
  'Ctrl-C %s ends it at once and leaves nothing behind',
  async (_when, reached) => {
    const { child, exited, output } = startDemo('--seconds', '8', '--clients', '6');
    await until(() => reached(output()));
    // npm sends the signal once more.
    child.kill('SIGINT');
    child.kill('SIGINT');
    const { code, text } = await exited;
    expect(code).toBe(1);
    expect(text).toContain('Stopping');
    expect(await readdir(directory)).toEqual([]);
    expect(await processesNaming(directory)).toEqual([]);
  },
  LIMIT_MS,
);

test('a closed terminal ends it and leaves nothing behind', async () => {
  const { child, exited, output } = startDemo('--seconds', '8', '--clients', '6');
  await until(() => output().includes('Starting'));
  child.kill('SIGHUP');
  expect((await exited).code).toBe(1);
  expect(await readdir(directory)).toEqual([]);
  expect(await processesNaming(directory)).toEqual([]);
});

test.each([
  [['--seconds', '7'], '--seconds: expected a whole number from 8 to 50, got "7"'],
  [['--clients', 'many'], '--clients: expected a whole number from 6 to 200, got "many"'],
  [['--fast'], "Unknown option '--fast'"],
])('%j is refused with a line that says what is wrong', async (args, message) => {
  const { code, text } = await startDemo(...args).exited;
  expect([code, text.split('\n').length]).toEqual([2, 2]);
  expect(text).toContain(message);
});

test('--help names every flag', async () => {
  const { code, text } = await startDemo('--help').exited;
  expect(code).toBe(0);
  for (const flag of ['--real', '--seconds', '--clients']) expect(text).toContain(flag);
});
