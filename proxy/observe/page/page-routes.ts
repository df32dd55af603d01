// What of the admin port belongs to the page.
import { type AdminPage, textPage } from '../admin-pages.ts';
import type { LivePage } from './live-page.ts';

/**
 * The page holds what clients say of themselves. All of it is escaped; should that ever fail, still
 * no script runs but the one file, nothing is sent elsewhere, and no other site can frame it.
 */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
};

/** By path. */
export function pageRoutes(
  page: LivePage,
): readonly (readonly [path: string, handler: () => AdminPage | Promise<AdminPage>])[] {
  const headers = SECURITY_HEADERS;
  const assets = [...page.assets].map(
    ([name, asset]) => [`/${name}`, () => ({ status: 200, headers, ...asset })] as const,
  );
  return [
    [
      '/',
      async () => {
        const contentType = 'text/html; charset=utf-8';
        return { status: 200, contentType, headers, body: await page.html() };
      },
    ],
    ['/events', () => events(page)],
    ...assets,
  ];
}

function events(page: LivePage): AdminPage {
  if (page.isFull) return textPage(503, 'too many look at the page; try again\n');
  const contentType = 'text/event-stream';
  const headers = SECURITY_HEADERS;
  return { status: 200, contentType, headers, body: page.events(), uncompressed: true };
}
