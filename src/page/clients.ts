import type { BlockedNetwork, Status } from '../status.ts';
import { type Html, html } from './html.ts';
import { renderTable } from './table.ts';
import { count, until } from './words.ts';

/** Whom the page shows the blocked clients to. */
export type ClientsView = MaskedView | FullView;

interface MaskedView {
  readonly kind: 'masked';
  /** Whether there is an admin token, which shows them in full. */
  readonly hasToken: boolean;
}

/** For those who hold the admin token. */
export interface FullView {
  readonly kind: 'full';
  readonly blocks: readonly BlockedNetwork[];
  readonly total: number;
  /** Whether each step asks for the token: it did not come in the request's head. */
  readonly asksToken: boolean;
  /** What has just been done. */
  readonly done: string | null;
}

/** Whom the failure limit blocks. */
export function renderClients(status: Status, view: ClientsView): Html {
  const { failureLimit, now } = status;
  if (failureLimit === null) {
    return html`<h2 id="clients-title">Blocked clients</h2><p class="empty">The failure limit is switched off.</p>`;
  }
  return html`<h2 id="clients-title">Blocked clients</h2>
${view.kind === 'full' ? renderFull(view, now) : renderMasked(failureLimit, view, now)}
<p class="note">${count(failureLimit.clients, 'client')} with forged tokens remembered.</p>
`;
}

const caption = 'The latest blocks, for too many forged tokens';

function renderMasked(
  { blocked, blockedClients }: NonNullable<Status['failureLimit']>,
  { hasToken }: MaskedView,
  now: string,
): Html {
  if (blocked === 0) return html`<p class="empty">Nobody is blocked.</p>`;
  return html`${renderTable({
    id: 'blocked',
    caption,
    columns: ['Client', 'Ends'],
    rows: blockedClients.map((each) => [html`<code>${each.client}</code>`, until(each.until, now)]),
  })}
${renderOthers(blocked - blockedClients.length)}
${
  hasToken
    ? html`<form method="post" action="/blocks#clients" autocomplete="off">${renderTokenField()}${renderShow('Show in full')}</form>`
    : html`<p class="note">To see addresses in full and to release clients, set <code>admin.tokenFile</code>.</p>`
}`;
}

function renderFull({ blocks, total, asksToken, done }: FullView, now: string): Html {
  return html`${done !== null && html`<p class="done" role="status">${done}</p>`}
<form method="post" action="/blocks#clients" autocomplete="off">
${asksToken && renderTokenField()}${renderShow('Show again')}
${asksToken && html`<p class="note wide">Every step asks for the token, because the page does not keep it.</p>`}
${
  blocks.length === 0
    ? html`<p class="empty">Nobody is blocked.</p>`
    : renderTable({
        id: 'blocked',
        caption,
        columns: ['Client', 'Ends', 'Release'],
        rows: blocks.map(({ network, until: end }) => [
          html`<code>${network}</code>`,
          until(end, now),
          html`<button type="submit" name="release" value="${network}" aria-label="Release ${network}">Release</button>`,
        ]),
      })
}</form>
${renderOthers(total - blocks.length)}`;
}

function renderTokenField(): Html {
  return html`<div class="field grow"><label for="admin-token">Admin token</label>
<input id="admin-token" name="token" type="password" autocomplete="off" required></div>`;
}

/** The first button of its form: the Enter key presses it. */
function renderShow(text: string): Html {
  return html`<div class="field"><button type="submit" name="show" value="1">${text}</button></div>`;
}

function renderOthers(others: number): Html | false {
  return others > 0 && html`<p class="note">And ${count(others, 'other client')}.</p>`;
}
