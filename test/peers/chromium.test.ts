import { join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { type SceneOptions, startScene } from '../gateway/scene.ts';
import { deadUrl } from '../gateway/wire.ts';
import { makeKey } from '../helpers/key.ts';
import { startBrowser, textOf, visit } from './browser.ts';
import { findPeer } from './peer.ts';

const chromium = findPeer('chromium', 'chromium', { install: true });
const { skip } = chromium;
const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const secret = 'an-admin-token-of-32-bytes-or-so--';
const rules = [
  { name: 'dead', path: '/dead', auth: 'none' as const, upstream: 'dead' },
  { name: 'orders', path: '/orders/*', scopes: ['orders:read'] },
  { name: 'admin', path: '/admin', scopes: ['none:such'], mode: 'report' as const },
];

const browser = skip ? null : await startBrowser(t, chromium.path as string);

/** A gateway that has seen requests of several kinds, and a browser. */
async function start(t: Test, options: SceneOptions = {}) {
  const tokenFile = join(t.testdir({ token: secret }), 'token');
  const config = {
    rules,
    admin: { tokenFile },
    upstreams: { dead: await deadUrl() },
    failureLimit: { max: 1, blockFor: '1h' },
  };
  const scene = await startScene(t, config, options);
  const { gateway, issuer, echo } = scene;
  const stranger = await makeKey();
  const forged = () => issuer.mint({ key: stranger, header: { kid: issuer.signingKey.kid } });
  for (let i = 0; i < 3; i++) await gateway.get('/orders/1', issuer.mint());
  await gateway.get('/orders/1');
  await gateway.get('/admin', issuer.mint());
  await gateway.request({
    path: '/orders/1',
    headers: { authorization: `Bearer ${forged()}` },
    localAddress: '127.0.0.9',
  });
  const reload = (more: object) =>
    gateway.reload({
      upstream: echo.url,
      issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
      ...config,
      ...more,
    });
  return { ...scene, browser: browser as Browser, forged, reload };
}

async function explain(page: Page, token: string, path: string): Promise<string> {
  await page.fill('#token', token);
  await page.fill('#path', path);
  await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name: 'Explain' }).click()]);
  return textOf(page, '#result');
}

for (const javaScriptEnabled of [true, false]) {
  t.test(`what it shows, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, { skip }, async (t) => {
    const { browser, gateway, issuer, forged } = await start(t);
    const { page, faults } = await visit(t, browser, gateway.admin, { javaScriptEnabled });
    const text = await textOf(page, 'body');
    for (const says of [
      `Ready to verify tokens of ${issuer.issuer}.`,
      '6 in all',
      '2 in all',
      'token_missing',
      'signature_invalid',
      'Some rules only report',
      '1 of 6 requests in the last 15 minutes would have been refused',
      'scope_insufficient',
      'RS256',
      '127.0.0.x',
      'nothing of it is kept',
    ])
      t.ok(text.includes(says), says);
    t.equal(
      await page.locator('#pause').isVisible(),
      javaScriptEnabled,
      'a button that would do nothing is hidden',
    );

    const good = issuer.mint();
    t.match(await explain(page, good, '/orders/42'), /^Allowed/);
    const address = `${gateway.admin}/${javaScriptEnabled ? '' : 'explain'}#result`;
    t.equal(page.url(), address, 'the token is in no address');
    const bad = forged();
    const denied = await explain(page, bad, '/orders/42');
    t.match(denied, /signature_invalid/);
    t.match(denied, /Failed\s+its signature holds/);
    t.match(denied, /Not reached\s+it has not expired/);
    t.equal(await page.inputValue('#path'), '/orders/42', 'ready for the next token');
    t.equal(await page.inputValue('#token'), '');
    const held = await page.content();
    for (const part of [good, bad].flatMap((token) => token.split('.')))
      t.notOk(held.includes(part), 'no part of a token is left in the page');

    await page.getByRole('link', { name: 'Reload' }).click();
    await page.waitForURL(`${gateway.admin}/`);
    if (javaScriptEnabled) {
      await page.goBack();
      t.equal(await page.inputValue('#token'), '', 'nor does the browser bring it back');
      await page.reload();
      t.equal(await page.locator('#result').count(), 0, 'or send it again');
    }
    t.strictSame(faults, []);
  });
}

t.test('it keeps itself up to date', { skip }, async (t) => {
  const { browser, gateway, issuer, reload } = await start(t);
  const { page, faults, requests } = await visit(t, browser, 'about:blank');
  await page.clock.install();
  await page.goto(gateway.admin);
  await page.evaluate('window.line = document.getElementById("state")');
  await page.click('#by-minute summary');
  await page.fill('#token', 'half of a tok');
  await page.locator('#by-minute summary').focus();
  const asked = () => requests.filter((path) => path === '/').length;

  for (let i = 0; i < 4; i++) await gateway.get('/orders/1', issuer.mint());
  await page.clock.runFor(5000);
  await page.locator('#traffic', { hasText: '10 in all' }).waitFor();
  t.equal(await page.inputValue('#token'), 'half of a tok', 'what is typed stays');
  t.ok(
    await page
      .locator('#by-minute')
      .getAttribute('open')
      .then((open) => open !== null),
    'what is open stays open',
  );
  t.equal(
    await page.evaluate('document.activeElement.parentElement.id'),
    'by-minute',
    'what has the focus keeps it',
  );
  t.match(await textOf(page, '#updated'), /^Updated at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);

  await reload({ mode: 'report' });
  await page.clock.runFor(5000);
  await page.locator('#state', { hasText: 'Ready in report mode' }).waitFor();
  t.ok(
    await page.evaluate('window.line === document.getElementById("state")'),
    'the line that is read out is the same one',
  );
  await page.locator('#notices', { hasText: 'Report mode: refusals are not enforced' }).waitFor();

  await page.getByRole('button', { name: 'Pause' }).click();
  const paused = asked();
  await page.clock.runFor(60_000);
  t.equal(asked(), paused, 'paused, it asks for nothing');
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.locator('#updated', { hasText: 'Updated at' }).waitFor();
  t.equal(asked(), paused + 1, 'at once when resumed');

  const see = (hidden: boolean) =>
    page.evaluate(
      `Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true }); document.dispatchEvent(new Event('visibilitychange'))`,
    );
  await see(true);
  await page.clock.runFor(60_000);
  t.equal(asked(), paused + 1, 'nobody looks, so it asks for nothing');
  t.strictSame(faults, []);

  await page.route('**/*', (route) => route.abort());
  await see(false);
  await page.locator('#updated.late', { hasText: /^Not updated since .* Trying again/ }).waitFor();
  await page.unroute('**/*');
  await page.clock.runFor(5000);
  await page.locator('#updated:not(.late)', { hasText: 'Updated at' }).waitFor();
});

async function assertNoFault(t: Test, page: Page, name: string): Promise<void> {
  const { violations, passes } = (await page.evaluate('axe.run()')) as AxeResults;
  t.strictSame(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
    [],
    name,
  );
  t.ok(
    passes.some(({ id }) => id === 'color-contrast'),
    'contrast was looked at',
  );
}

/** Types the admin token and asks for the blocked clients in full. */
async function showBlocked(page: Page): Promise<void> {
  await page.fill('#admin-token', secret);
  await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name: 'Show in full' }).click()]);
}

for (const javaScriptEnabled of [true, false]) {
  t.test(
    `a client is released, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`,
    { skip },
    async (t) => {
      const { browser, gateway } = await start(t);
      const { page, faults } = await visit(t, browser, gateway.admin, { javaScriptEnabled });
      t.match(await textOf(page, '#clients'), '127.0.0.x');
      await showBlocked(page);
      t.match(await textOf(page, '#clients'), '127.0.0.9');
      t.equal(await page.inputValue('#admin-token'), '', 'the page does not keep the token');
      t.equal(
        page.url(),
        `${gateway.admin}/${javaScriptEnabled ? '' : 'blocks'}#clients`,
        'it is in no address',
      );

      await page.fill('#admin-token', secret);
      await Promise.all([
        page.waitForEvent('load'),
        page.getByRole('button', { name: 'Release 127.0.0.9' }).click(),
      ]);
      t.match(await textOf(page, '#clients'), '127.0.0.9 is released');
      t.match(await textOf(page, '#clients'), 'Nobody is blocked.');
      t.notOk((await page.content()).includes(secret));
      const { msg, network } = await gateway.lineWhere((line) => line.msg === 'block released');
      t.strictSame([msg, network], ['block released', '127.0.0.9']);
      if (javaScriptEnabled) {
        await page.reload();
        t.equal(await page.getByText('is released').count(), 0, 'a reload sends nothing again');
      }
      t.strictSame(faults, []);
    },
  );
}

t.test(
  'an update leaves what is typed for the blocked clients, and what is shown of them',
  { skip },
  async (t) => {
    const { browser, gateway, issuer } = await start(t);
    const { page } = await visit(t, browser, 'about:blank');
    await page.clock.install();
    await page.goto(gateway.admin);
    await page.fill('#admin-token', 'half of a tok');
    const update = async (total: number) => {
      await gateway.get('/orders/1', issuer.mint());
      await page.clock.runFor(5000);
      await page.locator('#traffic', { hasText: `${total} in all` }).waitFor();
    };
    await update(7);
    t.equal(await page.inputValue('#admin-token'), 'half of a tok');
    await showBlocked(page);
    await update(8);
    t.match(await textOf(page, '#clients'), '127.0.0.9');
  },
);

t.test('a reason leads to what it means', { skip }, async (t) => {
  const { browser, gateway } = await start(t);
  const { page } = await visit(t, browser, gateway.admin);
  const meaning = page.locator('#reason-token_missing');
  t.equal(await meaning.isVisible(), false, 'folded away at first');
  await page.locator('#traffic').getByRole('link', { name: 'token_missing' }).click();
  await meaning.waitFor({ state: 'visible' });
  t.match(await textOf(page, '#reason-token_missing'), 'The request carries no token.');
});

t.test('it has no fault that axe finds', { skip }, async (t) => {
  const { browser, gateway, forged, reload } = await start(t);
  await gateway.get('/dead');
  await reload({ mode: 'report' });
  await reload({ mode: 'reports' }).catch(() => {});
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [name, size] of Object.entries({ desk: {}, phone })) {
      const { page } = await visit(t, browser, gateway.admin, { ...size, colorScheme, bypassCSP: true });
      await explain(page, forged(), '/orders/42');
      await page.evaluate(`for (const each of document.querySelectorAll('details')) each.open = true`);
      await page.evaluate(axe.source);
      await assertNoFault(t, page, `${colorScheme}, ${name}`);
      await page.goto(gateway.admin);
      await showBlocked(page);
      await page.evaluate(axe.source);
      await assertNoFault(t, page, `${colorScheme}, ${name}, blocked clients in full`);
    }
  }
});

t.test('it fits', { skip }, async (t) => {
  const { browser, gateway, issuer } = await start(t);
  const narrow = await visit(t, browser, gateway.admin, phone);
  const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  t.equal(await narrow.page.evaluate(overflow), 0, 'a phone');
  await narrow.page.evaluate(`for (const each of document.querySelectorAll('details')) each.open = true`);
  const cut = `[...document.querySelectorAll('.scroll')].filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.id)`;
  t.strictSame(await narrow.page.evaluate(cut), [], 'no column of a table is out of sight');
  const keys = await textOf(narrow.page, '#issuers');
  for (const part of ['Key id', 'Algorithms', 'RS256', 'Type', 'RSA', 'Thumbprint'])
    t.ok(keys.includes(part), `the keys say: ${part}`);
  await showBlocked(narrow.page);
  t.equal(await narrow.page.evaluate(overflow), 0, 'blocked clients in full');
  t.ok(await narrow.page.getByRole('button', { name: 'Release 127.0.0.9' }).isVisible());
  await narrow.page.goto(gateway.admin);
  await explain(narrow.page, issuer.mint({ claims: { aud: 'x'.repeat(400) } }), `/orders/${'y'.repeat(300)}`);
  t.equal(await narrow.page.evaluate(overflow), 0, 'with long words');

  const background = 'getComputedStyle(document.body).backgroundColor';
  const lightness = async (colorScheme: 'light' | 'dark') => {
    const { page } = await visit(t, browser, gateway.admin, { colorScheme });
    return Number(/\d+/.exec(String(await page.evaluate(background))));
  };
  t.ok((await lightness('light')) > 200);
  t.ok((await lightness('dark')) < 50);
  const still = await visit(t, browser, gateway.admin, { reducedMotion: 'reduce' });
  t.equal(await still.page.evaluate('getComputedStyle(document.documentElement).scrollBehavior'), 'auto');
});

t.test('the keyboard reaches every control', { skip }, async (t) => {
  const { browser, gateway } = await start(t);
  const { page } = await visit(t, browser, gateway.admin);
  const controls = (await page.evaluate(
    `(() => { let n = 0; const all = document.querySelectorAll('a[href],button,input,select,textarea,summary,[tabindex="0"]');
      for (const each of all) if (each.checkVisibility()) each.dataset.number = n++; return n; })()`,
  )) as number;
  t.ok(controls > 15, `there are ${controls}`);
  const reached: string[] = [];
  for (let i = 0; i < controls; i++) {
    await page.keyboard.press('Tab');
    const [number, outline] = (await page.evaluate(
      '[document.activeElement.dataset.number, getComputedStyle(document.activeElement).outlineStyle]',
    )) as [string, string];
    t.not(outline, 'none', `control ${number} shows that it has the focus`);
    reached.push(number);
  }
  t.strictSame(
    reached,
    Array.from({ length: controls }, (_, index) => String(index)),
    'in the order of the page',
  );

  await page.goto(gateway.admin);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  t.equal(await page.evaluate('document.activeElement.id'), 'main', 'the first one skips to the status');
  await page.locator('#path').focus();
  await page.keyboard.press('Enter');
  await page.locator('#result').waitFor();
  t.equal(await page.evaluate('document.activeElement.id'), 'result', 'an answer has the focus');
});

t.test('no other page can use it', { skip }, async (t) => {
  const { browser, gateway, issuer, echo } = await start(t);
  const { page } = await visit(t, browser, echo.url);
  await page.setContent(
    `<form method="post" action="${gateway.admin}/explain"><input name="token" value="x"><button>Go</button></form>`,
  );
  await page.getByRole('button').click();
  await page.getByRole('heading', { name: 'Refused' }).waitFor();
  t.notMatch(await page.content(), issuer.issuer, 'a form from elsewhere');

  await page.goto(echo.url);
  const read = `fetch(${JSON.stringify(`${gateway.admin}/`)}).then((answer) => answer.text()).catch(() => 'kept from it')`;
  t.equal(await page.evaluate(read), 'kept from it', 'a script from elsewhere');

  await page.setContent(`<iframe src="${gateway.admin}/"></iframe>`);
  const frame = page.frames().find((each) => each !== page.mainFrame());
  await frame?.waitForLoadState();
  t.notMatch(await frame?.content(), issuer.issuer, 'a frame elsewhere');
});
