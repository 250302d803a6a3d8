import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import type { Test } from 'tap';

/** A page in a browser of its own profile, and all that went wrong in it. */
export interface Visit {
  readonly page: Page;
  /** Errors on the console, uncaught ones, and what the content security policy stopped. */
  readonly faults: readonly string[];
  /** Paths asked for since the visit began. */
  readonly requests: readonly string[];
}

/** Starts Chromium for as long as a test runs. */
export async function startBrowser(t: Test, path: string): Promise<Browser> {
  // Its sandbox does not work for root.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({ executablePath: path, args });
  t.teardown(() => browser.close());
  return browser;
}

/** Opens a page. What is done to it has ten seconds. */
export async function visit(
  t: Test,
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(10_000);
  t.teardown(() => context.close());
  const page = await context.newPage();
  const faults: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => requests.push(new URL(request.url()).pathname));
  await page.goto(url);
  return { page, faults, requests };
}

/** What a reader sees of an element. */
export function textOf(page: Page, selector: string): Promise<string> {
  // biome-ignore lint/performance/useDomNodeTextContent: what is not rendered is not seen
  return page.locator(selector).innerText();
}
