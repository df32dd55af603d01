import fc from 'fast-check';
import { expect, test } from 'vitest';
import { html } from '../../../../proxy/observe/page/html.ts';
import { NotedRequests } from '../../../../proxy/observe/page/noted-requests.ts';
import { renderPage, renderParts } from '../../../../proxy/observe/page/render.ts';
import { sparkline } from '../../../../proxy/observe/page/sparkline.ts';
import { pageView } from '../../../../proxy/observe/page/view-model.ts';
import { recordOf } from '../support/records.ts';
import { failureOf, figuresOf, inputOf, listOf, NO_TOP, pageEndpoint } from './support.ts';

const HOSTILE = `"><img src=x onerror='alert(1)'><script>alert(2)</script>&amp;\u202e\u0000`;

/** A page on which everything that somebody else may choose is hostile. */
function hostilePage(text: string): string {
  const names = [text, text, text];
  const entry = { names, perSecond: 1, errorPerSecond: 0 };
  const open = { names, open: 1 };
  const request = {
    user: text,
    userAgent: text,
    client: text,
    resource: text,
    group: text,
    namespace: text,
    endpoint: text,
  };
  const change = { what: `not ready: ${text}`, at: new Date(0) };
  const replica = { endpoint: text, result: 'failed' as const, problem: text, misfiled: [] };
  const input = inputOf(
    [
      pageEndpoint(text, { url: text, state: 'not_ready', lastChange: change }),
      pageEndpoint('cp-1', { replica: { ...replica, version: text } }),
    ],
    [
      figuresOf([], {
        failures: [failureOf({ ...request, detail: text, verb: text })],
        lists: [listOf(request)],
        openLists: [listOf(request)],
        moves: [{ reason: text, from: text, to: text, count: 1 }],
        refusals: [{ reason: text, result: text, count: 1 }],
      }),
    ],
    {
      version: text,
      top: { ...NO_TOP, clientsByRequests: [entry], resourcesByWatches: [open] },
    },
  );
  return renderPage(pageView(input));
}

/** Names of elements and of attributes, in order: what a browser would make of it. */
function structureOf(page: string): string {
  return page.replace(/"[^"]*"/g, '""').replace(/>[^<]*/g, '>');
}

test('hostile text is text: no element and no attribute comes of it', () => {
  const page = hostilePage(HOSTILE);
  expect(page).not.toMatch(/<img|<script>|\u202e/);
  expect(page).not.toContain('\u0000');
  expect(page).toContain('&lt;img src=x onerror=&#39;alert(1)&#39;&gt;');
  expect(structureOf(page)).toBe(structureOf(hostilePage('plain')));
});

test('no text at all changes the structure of the page', () => {
  const plain = structureOf(hostilePage('plain'));
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom('<', '>', '"', "'", '&', '/', '=', '`', ' ', 'a'),
        minLength: 1,
      }),
      (text) => structureOf(hostilePage(`a${text}`)) === plain,
    ),
    { numRuns: 50 },
  );
});

test('what a template has made is not escaped again', () => {
  expect(html`<b title="${'"'}">${html`<i>${'<'}</i>`}${3}</b>`.text).toBe(
    '<b title="&quot;"><i>&lt;</i>3</b>',
  );
});

test('the page has no script, style or address of its own, and nothing to press', () => {
  const page = hostilePage('plain');
  expect(page).not.toMatch(/\sstyle=|\son\w+=|<style|https?:\/\/(?!cp-1)|<button|<form|<input/);
  expect([...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, link]) => link)).toEqual([
    ...['page.svg', 'page.css', 'parts.css', 'page.js'],
    ...['metrics', 'debug/endpoints', 'debug/top'],
  ]);
});

test('each part that is sent later has its place in the page', () => {
  const view = pageView(inputOf([pageEndpoint('cp-1')], [figuresOf([])]));
  const page = renderPage(view);
  for (const [id, text] of Object.entries(renderParts(view))) {
    expect(page).toContain(` id="${id}"`);
    expect(page).toContain(text);
  }
});

test('a line has a gap where nothing is known', () => {
  const values = new Array<number>(120).fill(1).fill(Number.NaN, 40, 80);
  const { text } = sparkline({ values, join: 'max', label: 'a' });
  expect(text.match(/M/g)).toHaveLength(2);
  expect(text).not.toContain('NaN');
});

test('what is noted of a request holds no path, query, name or token', () => {
  const noted = new NotedRequests();
  const secret = 'c2VjcmV0';
  for (const path of [
    `/api/v1/namespaces/a/pods/b:80/proxy/${secret}?token=${secret}`,
    `/api/v1/namespaces/a/secrets/${secret}?fieldManager=${secret}`,
    `/oauth/${secret}?x=${secret}`,
  ]) {
    const failure = 'upstream_timeout';
    noted.left(recordOf(`GET ${path}`, { failure, status: 504, endpoint: path.slice(-20, -8) }), 2);
  }
  noted.left(recordOf(`GET /api/v1/pods?labelSelector=${secret}`), 9000);
  const { failures, lists } = noted.take();
  expect([failures.length, lists.length]).toEqual([3, 1]);
  const shown = [...failures.map((one) => ({ ...one, endpoint: '' })), ...lists];
  expect(JSON.stringify(shown)).not.toContain(secret);
});

test('a bug is named without its stack, and clients that leave are not noted', () => {
  const noted = new NotedRequests();
  const failureDetail = 'Error: at proxy/handler.ts';
  noted.left(recordOf('GET /api/v1/pods/a', { failure: 'internal', failureDetail }), 2);
  noted.left(recordOf('GET /api/v1/pods/a', { failure: 'client_gone' }), 2);
  const { failures } = noted.take();
  expect(failures).toMatchObject([{ failure: 'internal', detail: '', count: 1 }]);
  expect(noted.take().failures).toEqual([]);
});

test('of many LISTs the ten longest are noted, and a storm of failures is one line', () => {
  const noted = new NotedRequests();
  for (let i = 1; i <= 100; i += 1) {
    noted.left(recordOf('GET /api/v1/pods'), 1000 + ((i * 37) % 101));
    noted.left(recordOf('GET /api/v1/pods/a', { failure: 'upstream_lost', status: 502 }), 1001);
  }
  const { lists, failures } = noted.take();
  expect(lists.map(({ durationMs }) => durationMs)).toEqual([
    100, 99, 98, 97, 96, 95, 94, 93, 92, 91,
  ]);
  expect(failures).toMatchObject([{ count: 100 }]);
});
