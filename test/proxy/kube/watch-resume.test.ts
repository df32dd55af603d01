import { expect, test } from 'vitest';
import type { WatchFrame } from '../../../proxy/kube/watch-frame.ts';
import { createWatchFramer } from '../../../proxy/kube/watch-framer.ts';
import { parseWatchRequest } from '../../../proxy/kube/watch-query.ts';
import { ResumePoint } from '../../../proxy/kube/watch-resume.ts';
import { readBody, readCaptures } from '../../fixtures/watch/captures.ts';

/** "TYPE version", with "end" behind the bookmark that ends the initial events. */
function frame(text: string): WatchFrame {
  const [type, resourceVersion, end] = text.split(' ');
  return {
    bytes: Buffer.alloc(0),
    type: type as WatchFrame['type'],
    resourceVersion,
    errorCode: type === 'ERROR' ? 410 : undefined,
    initialEventsEnd: end === 'end',
  };
}

const INITIAL = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan';

test.each<[rule: string, query: string, events: string[], at: string | undefined]>([
  ['from the request, when it names a version', 'resourceVersion=5', [], '5'],
  ['from an ADDED after a version', 'resourceVersion=5', ['ADDED 6'], '6'],
  ['from the last event', 'resourceVersion=5', ['MODIFIED 7', 'DELETED 8', 'ADDED 9'], '9'],
  ['from a bookmark', 'resourceVersion=5', ['ADDED 6', 'BOOKMARK 9'], '9'],
  ['from the last event even if it looks older', 'resourceVersion=5', ['ADDED 9', 'ADDED b'], 'b'],
  ['not from no version', '', [], undefined],
  ['not from "0"', 'resourceVersion=0', [], undefined],
  ['not from a longer zero', 'resourceVersion=000', [], undefined],
  ['not from unordered ADDED after no version', '', ['ADDED 9', 'ADDED 6'], undefined],
  ['not from unordered ADDED after "0"', 'resourceVersion=0', ['ADDED 6'], undefined],
  ['from a MODIFIED after "0"', 'resourceVersion=0', ['ADDED 6', 'MODIFIED 7'], '7'],
  ['from a DELETED after no version', '', ['ADDED 6', 'DELETED 7'], '7'],
  ['from a bookmark after "0"', 'resourceVersion=0', ['ADDED 6', 'BOOKMARK 7'], '7'],
  ['from an ADDED once order has begun', '', ['ADDED 6', 'BOOKMARK 7', 'ADDED 8'], '8'],
  [
    'not before the initial events end',
    INITIAL,
    ['ADDED 6', 'MODIFIED 7', 'BOOKMARK 8'],
    undefined,
  ],
  [
    'not before the initial events end, even with a version',
    `${INITIAL}&resourceVersion=5`,
    ['ADDED 6'],
    undefined,
  ],
  ['from the end of the initial events', INITIAL, ['ADDED 6', 'BOOKMARK 5 end'], '5'],
  ['from an ADDED after their end', INITIAL, ['BOOKMARK 5 end', 'ADDED 6'], '6'],
  ['from a version without initial events', 'sendInitialEvents=0&resourceVersion=5', [], '5'],
  ['not from ADDED if no initial events were asked', 'sendInitialEvents=0', ['ADDED 6'], undefined],
  ['not from an event without a version', 'resourceVersion=5', ['MODIFIED'], undefined],
  ['from the next event that has one', 'resourceVersion=5', ['MODIFIED', 'ADDED 7'], '7'],
  ['not from what is unknown', 'resourceVersion=5', ['UNKNOWN 6'], undefined],
  ['from an event after what is unknown', 'resourceVersion=5', ['UNKNOWN', 'ADDED 7'], '7'],
  ['not after an ERROR', 'resourceVersion=5', ['ADDED 6', 'ERROR'], undefined],
  ['never after an ERROR', 'resourceVersion=5', ['ERROR', 'BOOKMARK 7'], undefined],
  ['past white space', 'resourceVersion=5', ['ADDED 6', 'BLANK'], '6'],
])('a watch goes on %s', (_, query, events, at) => {
  const point = new ResumePoint(parseWatchRequest(query));
  for (const event of events) point.advance(frame(event));
  expect(point.resourceVersion).toBe(at);
});

test.each([
  ['pods', '205', 'DELETED'],
  ['pods-protobuf', '205', 'DELETED'],
  ['initial-events', undefined, 'BOOKMARK'],
  ['from-zero', undefined, 'BOOKMARK'],
  // It never tells that the initial events have ended.
  ['initial-events-without-bookmarks', undefined, 'BOOKMARK'],
])('the captured watch %s can go on from %s, and anew from %s on', (name, first, from) => {
  const capture = readCaptures().find((one) => one.name === name);
  if (capture === undefined) throw new Error(`${name}: no such capture`);
  const point = new ResumePoint(parseWatchRequest(capture.target.split('?')[1] ?? ''));
  const asked = point.resourceVersion;
  expect(asked === undefined).toBe(first === undefined);
  let started = asked !== undefined;
  createWatchFramer(capture.contentType)?.push(readBody(capture), (event) => {
    point.advance(event);
    if (event.type === from) started = true;
    expect(point.resourceVersion).toBe(started ? event.resourceVersion : undefined);
  });
});
