// The gate's report as people see it: from files, by the command, in a browser.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runGateCommand } from '../../../loadtests/gate/gate-command.ts';
import { richArms, writeArms } from '../../loadtests/gate/support/sample-arms.ts';

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = BROWSERS.find((path) => existsSync(path));
const HOSTILE = 'watch <img src=x onerror="window.hacked=1"></svg><script>window.hacked=1</script>';

let directory = '';
let browser: Browser | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'evenkeel-report-'));
  if (executablePath !== undefined) browser = await chromium.launch({ executablePath });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await rm(directory, { recursive: true, force: true });
}, 30_000);

test('a report opens from its file alone, says the verdict first, and runs nothing', async ({
  skip,
}) => {
  const folders = await writeArms(directory, richArms(HOSTILE));
  const report = join(directory, 'report.html');
  const said: string[] = [];
  const output = { write: (text: string) => said.push(text) };
  const exitCode = await runGateCommand(
    [...folders, '--report', report],
    new AbortController().signal,
    { stdout: output, stderr: output },
  );
  expect([exitCode, said.join('')]).toEqual([1, expect.stringContaining('Regression: ')]);
  expect(await readFile(report, 'utf8')).not.toMatch(/<script|<img|https?:\/\//);
  skip(browser === undefined, 'no Chromium on this machine');

  const complaints: string[] = [];
  const requests: string[] = [];
  for (const width of [1200, 400]) {
    const page = await browser?.newPage({ viewport: { width, height: 900 } });
    if (page === undefined) continue;
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(report).href);
    expect(await page.getByRole('status').textContent()).toMatch(
      /^Regression: worse than the baseline in latency_p99\{GET pods resource\} \(\+/,
    );
    const facts = `({
      sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      hacked: typeof window.hacked,
      broken: [...document.querySelectorAll('svg *')].filter((node) =>
        [...node.attributes].some(({ value }) => /NaN|Infinity/.test(value))).length,
      captions: [...document.querySelectorAll('figcaption')].map((node) => node.textContent),
    })`;
    expect(await page.evaluate(facts)).toEqual({
      sideways: 0,
      hacked: 'undefined',
      broken: 0,
      // Time lines, gaps, distributions.
      captions: [HOSTILE, 'GET pods resource', HOSTILE, HOSTILE, 'GET pods resource'],
    });
    await page.close();
  }
  expect(complaints).toEqual([]);
  expect(new Set(requests)).toEqual(new Set([pathToFileURL(report).href]));
}, 60_000);
