// The page as people see it: a browser before a door that runs, whose replica dies and comes back.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type ClientHttp2Session, connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../../../../simulator/cluster.ts';
import { ChildGroup } from '../../../../../tools/child.ts';
import { type DoorProcess, startDoor } from '../../../../../tools/door.ts';
import { fetchAnswer } from '../../../../support/open-door.ts';

/** Where Debian and others put it. */
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = BROWSERS.find((path) => existsSync(path));
const HOSTILE = '<img src=x onerror="window.hacked=1"><b>agent</b>';
const WATCHES = 12;
const SOON = { timeout: 15_000, interval: 50 };
const VICTIM = 'apiserver-2';

const children = new ChildGroup();
const complaints: string[] = [];
const origins = new Set<string>();
let directory: string | undefined;
let simulator: Simulator | undefined;
let client: ClientHttp2Session | undefined;
let browser: Browser | undefined;
let load: NodeJS.Timeout | undefined;

interface Scene {
  readonly simulator: Simulator;
  readonly door: DoorProcess;
  readonly page: Page;
}

let scene: Scene | undefined;

beforeAll(async () => {
  if (executablePath === undefined) return;
  directory = await mkdtemp(join(tmpdir(), 'evenkeel-page-'));
  simulator = await startSimulator({ directory, replicas: 3, bookmarkIntervalMs: 200 });
  const door = await startDoor({
    directory,
    pki: simulator.pki,
    children,
    endpoints: simulator.replicas,
    config: {
      admin: { replicaMetrics: { interval: '1s', timeout: '1s' } },
      balancing: { slowStart: '1s' },
      health: { interval: '500ms', timeout: '400ms' },
    },
  });
  browser = await chromium.launch({ executablePath });
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => origins.add(new URL(request.url()).origin));
  await page.goto(`${door.adminUrl}/`);
  client = connect(door.url, { ca: simulator.pki.clusterCa.cert });
  client.on('error', () => {});
  startLoad(client);
  scene = { simulator, door, page };
}, 60_000);

afterAll(async () => {
  clearInterval(load);
  await browser?.close();
  client?.destroy();
  await children.stop();
  await simulator?.stop();
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
}, 30_000);

function startLoad(session: ClientHttp2Session): void {
  const headers = { authorization: 'Bearer token-admin', 'user-agent': HOSTILE };
  for (let i = 0; i < WATCHES; i += 1) {
    const path = '/api/v1/configmaps?watch=true&allowWatchBookmarks=true&timeoutSeconds=600';
    session
      .request({ ...headers, ':path': path })
      .on('error', () => {})
      .resume();
  }
  load = setInterval(() => {
    for (const path of ['/api/v1/namespaces/default', '/api/v1/configmaps']) {
      void fetchAnswer(session, { ...headers, ':path': path });
    }
  }, 50);
}

/** A test before the browser, or one that says why it cannot be. */
function seen(name: string, look: (scene: Scene) => Promise<void>, timeout = 40_000): void {
  const why = executablePath === undefined ? ' (not run: no Chromium in /usr/bin)' : '';
  test.skipIf(executablePath === undefined)(`${name}${why}`, { timeout }, async () => {
    if (scene === undefined) throw new Error('the page could not be opened');
    await look(scene);
  });
}

async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).textContent()) ?? '';
}

seen('the page says that all is well and fills with what is going on', async ({ page }) => {
  await expect.poll(() => textOf(page, '#live'), SOON).toBe('live');
  expect(await textOf(page, '#verdict')).toContain(
    'Nothing is wrong: 3 of 3 kube-apiservers serve.',
  );
  const row = `[data-replica=${VICTIM}]`;
  await expect.poll(() => textOf(page, `${row} [data-name=watches]`), SOON).toMatch(/^[1-9]/);
  await expect.poll(() => textOf(page, `${row} [data-name=p99]`), SOON).toMatch(/ ms$/);
  await expect.poll(() => textOf(page, row), SOON).toMatch(/v1\.34\.4/);
  expect(await page.locator(`${row} svg.spark path[d^=M]`).count()).toBe(3);
});

seen('a hostile user agent is shown as the text that it is', async ({ page }) => {
  await expect.poll(() => textOf(page, '#clients'), SOON).toContain(HOSTILE);
  expect(await page.evaluate('window.hacked')).toBeUndefined();
  expect(await page.locator('#clients img').count()).toBe(0);
});

seen(
  'a replica that is killed is seen, with where its watches went',
  async ({ simulator, page }) => {
    await page.evaluate('window.loadedOnce = true');
    const victim = simulator.replicas.find(({ name }) => name === VICTIM);
    victim?.kill();
    const state = () => page.locator(`[data-replica=${VICTIM}]`).getAttribute('data-state');
    await expect.poll(state, SOON).toBe('not ready');
    await expect.poll(() => textOf(page, '#verdict'), SOON).toContain(`${VICTIM} is out: `);
    expect(await textOf(page, '#verdict')).toContain('is kube-apiserver running on that host');
    await expect
      .poll(() => textOf(page, '#moves'), SOON)
      .toMatch(/[1-9] watch(es)? of apiserver-2 went on: /);
    expect(await page.locator('#moves svg.bars rect.moved').count()).toBeGreaterThan(0);
    expect(await page.title()).toBe('(1) evenkeel');

    await victim?.restart();
    await expect.poll(state, SOON).toBe('ready');
    await expect.poll(() => textOf(page, '#verdict'), SOON).toContain('Nothing is wrong');
    const restarts = `[data-replica=${VICTIM}] [data-name=restarts] b`;
    await expect.poll(() => textOf(page, restarts), SOON).toBe('1');
    expect(await page.evaluate('window.loadedOnce')).toBe(true);
  },
);

seen('it fits a telephone, in light and in dark', async ({ page }) => {
  await page.setViewportSize({ width: 400, height: 800 });
  const brightness = async (colorScheme: 'light' | 'dark'): Promise<number> => {
    await page.emulateMedia({ colorScheme });
    const colour = await page.evaluate(
      'getComputedStyle(document.documentElement).backgroundColor',
    );
    const parts = [...String(colour).matchAll(/\d+/g)].slice(0, 3).map(Number);
    return parts.reduce((sum, part) => sum + part, 0) / parts.length;
  };
  expect(await brightness('light')).toBeGreaterThan(200);
  expect(await brightness('dark')).toBeLessThan(60);
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(400);
  const right = await page.locator(`[data-replica=${VICTIM}] [data-name=p99]`).boundingBox();
  expect((right?.x ?? 400) + (right?.width ?? 0)).toBeLessThanOrEqual(400);
  await page.setViewportSize({ width: 1200, height: 900 });
});

seen('it is of use without any script', async ({ door }) => {
  const context = await browser?.newContext({ javaScriptEnabled: false });
  const page = await context?.newPage();
  await page?.goto(`${door.adminUrl}/`);
  expect(await page?.locator('#replicas tr').count()).toBe(3);
  await context?.close();
});

seen(
  'nothing came from elsewhere, and the browser had nothing to complain of',
  async ({ door }) => {
    expect([...origins]).toEqual([door.adminUrl]);
    expect(complaints).toEqual([]);
  },
);

// The last one: it ends the door.
seen('figures of a door that is gone do not pass for good ones', async ({ page }) => {
  await children.stop();
  await expect.poll(() => textOf(page, '#live'), SOON).toContain('what is shown is old');
});
