import { expect, test } from 'vitest';
import { createLog, type LogOptions } from '../../common/log.ts';

function capture(options: LogOptions = {}): {
  log: ReturnType<typeof createLog>;
  lines: Record<string, unknown>[];
} {
  const lines: Record<string, unknown>[] = [];
  const stream = { write: (text: string): unknown => lines.push(JSON.parse(text)) };
  return { log: createLog({ ...options, stream }), lines };
}

test('a line is JSON with the level as a word, an ISO time, the fields and the message', () => {
  const { log, lines } = capture();
  log.warn({ endpoint: 'a' }, 'endpoint is out');
  expect(lines).toEqual([
    {
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      endpoint: 'a',
      msg: 'endpoint is out',
    },
  ]);
});

test('lines below the level are not written', () => {
  const { log, lines } = capture({ level: 'warn' });
  log.info({}, 'quiet');
  log.debug({}, 'quieter');
  expect(lines).toEqual([]);
  expect(log.isLevelEnabled('info')).toBe(false);
  expect(log.isLevelEnabled('error')).toBe(true);
});

test('a child adds its fields to every line', () => {
  const { log, lines } = capture();
  log.child({ part: 'health' }).info({ n: 1 }, 'x');
  expect(lines[0]).toMatchObject({ part: 'health', n: 1, msg: 'x' });
});
