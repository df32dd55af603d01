import { expect, test } from 'vitest';
import { BookmarkFilter } from '../../../proxy/kube/watch-bookmarks.ts';
import { readBody, readCaptures } from '../../fixtures/watch/captures.ts';
import { framesOf, JSON_TYPE } from '../../fixtures/watch/framing.ts';

function forwarded(wanted: boolean, frames: ReturnType<typeof framesOf>): string {
  const filter = new BookmarkFilter(wanted);
  return Buffer.concat(frames.filter((f) => filter.forwards(f)).map((f) => f.bytes)).toString();
}

test('a client that asked for bookmarks gets everything', () => {
  const body = '{"type":"ADDED"}\n{"type":"BOOKMARK"}\n{"type":"ERROR"}\n';
  expect(forwarded(true, framesOf(JSON_TYPE, [body]))).toBe(body);
});

test('a client that did not gets everything but bookmarks', () => {
  const body = '{"type":"ADDED"}\n{"type":"BOOKMARK"}\n{"type":"ERROR"}\n{"type":"OTHER"}\n';
  const rest = '{"type":"ADDED"}\n{"type":"ERROR"}\n{"type":"OTHER"}\n';
  expect(forwarded(false, framesOf(JSON_TYPE, [body]))).toBe(rest);
});

test('no empty line tells of a bookmark that was taken out', () => {
  const chunks = ['{"type":"ADDED"}', '\n', '{"type":"BOOKMARK"}', '\n', '{"type":"ERROR"}', '\n'];
  expect(forwarded(false, framesOf(JSON_TYPE, chunks))).toBe(
    '{"type":"ADDED"}\n{"type":"ERROR"}\n',
  );
});

test('without bookmarks a client gets what a kube-apiserver would have sent it', () => {
  const [asked, unasked] = ['initial-events', 'initial-events-without-bookmarks'].map((name) => {
    const capture = readCaptures().find((one) => one.name === name);
    if (capture === undefined) throw new Error(`${name}: no such capture`);
    return readBody(capture);
  });
  const frames = framesOf(JSON_TYPE, asked === undefined ? [] : [asked]);
  expect(frames.some((frame) => frame.initialEventsEnd)).toBe(true);
  expect(forwarded(false, frames)).toBe(String(unasked));
});
