import { expect, test } from 'vitest';
import {
  continuationQuery,
  parseWatchRequest,
  type WatchRequest,
  withBookmarks,
} from '../../../proxy/kube/watch-query.ts';

const NOTHING: WatchRequest = {
  resourceVersion: '',
  resourceVersionMatch: '',
  sendInitialEvents: undefined,
  allowWatchBookmarks: false,
  timeoutSeconds: undefined,
};

test.each<[string, Partial<WatchRequest>]>([
  ['', {}],
  ['watch=1', {}],
  ['resourceVersion=7', { resourceVersion: '7' }],
  ['resourceVersion=7&resourceVersion=8', { resourceVersion: '7' }],
  ['resource%56ersion=%37', { resourceVersion: '7' }],
  ['resourceVersion=%zz&resourceVersion=8', { resourceVersion: '8' }],
  ['ResourceVersion=7', {}],
  ['resourceVersionMatch=NotOlderThan', { resourceVersionMatch: 'NotOlderThan' }],
  ['sendInitialEvents=true', { sendInitialEvents: true }],
  ['sendInitialEvents', { sendInitialEvents: true }],
  ['sendInitialEvents=no', { sendInitialEvents: true }],
  ['sendInitialEvents=0', { sendInitialEvents: false }],
  ['sendInitialEvents=False', { sendInitialEvents: false }],
  ['allowWatchBookmarks=true', { allowWatchBookmarks: true }],
  ['allowWatchBookmarks=', { allowWatchBookmarks: true }],
  ['allowWatchBookmarks=FALSE', { allowWatchBookmarks: false }],
  ['allowWatchBookmarks=0&allowWatchBookmarks=1', { allowWatchBookmarks: false }],
  ['timeoutSeconds=300', { timeoutSeconds: 300 }],
  ['timeoutSeconds=%2B300', { timeoutSeconds: 300 }],
  ['timeoutSeconds=-1', { timeoutSeconds: -1 }],
  ['timeoutSeconds=0', {}],
  ['timeoutSeconds=', {}],
  ['timeoutSeconds=5m', {}],
  ['timeoutSeconds=1e3', {}],
  ['timeoutSeconds=0x10', {}],
  ['timeoutSeconds=9223372036854775808', {}],
])('the watch %j is read as the apiserver reads it', (query, expected) => {
  expect(parseWatchRequest(query)).toEqual({ ...NOTHING, ...expected });
});

const SET = 'resourceVersion=9&allowWatchBookmarks=true&timeoutSeconds=60';

test.each([
  ['nothing', '', SET],
  ['the old version', 'watch=1&resourceVersion=7', `watch=1&${SET}`],
  ['every old version', 'resourceVersion=7&watch=1&resourceVersion=8', `watch=1&${SET}`],
  ['an escaped old version', 'resource%56ersion=7&watch=1', `watch=1&${SET}`],
  ['an old version that Go drops', 'resourceVersion=%zz&watch=1', `watch=1&${SET}`],
  ['bookmarks refused', 'allowWatchBookmarks=false&watch=1', `watch=1&${SET}`],
  ['the old timeout', 'timeoutSeconds=300&watch=1', `watch=1&${SET}`],
  [
    'initial events',
    'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&a=b',
    `watch=1&a=b&${SET}`,
  ],
  [
    'selectors, untouched',
    'labelSelector=a%3Db%2Cc+in+%28d%29&fieldSelector=metadata.name%3dx&watch',
    `labelSelector=a%3Db%2Cc+in+%28d%29&fieldSelector=metadata.name%3dx&watch&${SET}`,
  ],
  [
    'odd pairs, untouched',
    'a&&=b&c;d=e&%zz=f&shardSelector=1',
    `a&&=b&c;d=e&%zz=f&shardSelector=1&${SET}`,
  ],
  ['names that only begin alike', 'resourceVersions=1&watch', `resourceVersions=1&watch&${SET}`],
])('a watch goes on with %s', (_, query, expected) => {
  const continued = continuationQuery(query, { resourceVersion: '9', timeoutSeconds: 60 });
  expect(continued).toBe(expected);
  expect(parseWatchRequest(continued)).toEqual({
    ...NOTHING,
    resourceVersion: '9',
    allowWatchBookmarks: true,
    timeoutSeconds: 60,
  });
});

test('a watch that goes on keeps its timeout when none is given', () => {
  expect(continuationQuery('timeoutSeconds=300&watch', { resourceVersion: '9' })).toBe(
    'timeoutSeconds=300&watch&resourceVersion=9&allowWatchBookmarks=true',
  );
});

test('a version is escaped, since nobody knows what it may hold', () => {
  const query = continuationQuery('watch', { resourceVersion: 'a&b=+%' });
  expect(query).toBe('watch&resourceVersion=a%26b%3D%2B%25&allowWatchBookmarks=true');
  expect(parseWatchRequest(query).resourceVersion).toBe('a&b=+%');
});

test.each([
  ['', 'allowWatchBookmarks=true'],
  ['watch=1', 'watch=1&allowWatchBookmarks=true'],
  ['allowWatchBookmarks=false&watch', 'watch&allowWatchBookmarks=true'],
  ['allowWatchBookmarks=0&allowWatchBookmarks=1', 'allowWatchBookmarks=true'],
  ['allowWatchBookmarks&watch', 'allowWatchBookmarks&watch'],
  ['watch&allowWatchBookmarks=1&a;b', 'watch&allowWatchBookmarks=1&a;b'],
])('%j with bookmarks is %j', (query, expected) => {
  expect(withBookmarks(query)).toBe(expected);
});
