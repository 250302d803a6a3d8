import type { Status } from '../status.ts';
import { type Html, html } from './html.ts';
import { linkReason } from './reasons.ts';
import { renderMark } from './state.ts';
import { renderTable } from './table.ts';
import { count, cut, number, percent, since, utc } from './words.ts';

/** Whether any rule lets pass what it should refuse. */
export function isReporting({ mode, reporting }: Status): boolean {
  return mode === 'report' || reporting.exceptions.length > 0;
}

/** Says in so many words what is not enforced. Nothing where all is. */
export function renderNotice(status: Status): Html | null {
  if (!isReporting(status)) return null;
  const { mode, modeSince, reporting } = status;
  const rules = html`${reporting.exceptions.length === 1 ? 'rule' : 'rules'} ${list(reporting.exceptions)}`;
  const consequence = html`<p>Such requests carry no identity headers, and still carry their own token. The upstream must refuse what it cannot serve to anybody. Paths, framing and sizes are enforced all the same.</p>`;
  if (mode === 'enforce') {
    return html`<section class="notice" aria-labelledby="notice">${renderMark('warn')}<div><h2 id="notice">Some rules only report</h2>
<p>What ${rules} would refuse is logged and counted, and forwarded all the same. Every other rule enforces.</p>${consequence}</div></section>
`;
  }
  return html`<section class="notice" aria-labelledby="notice">${renderMark('warn')}<div><h2 id="notice">Report mode: refusals are not enforced</h2>
<p>Since ${utc(modeSince)}, what the policy would refuse is logged and counted, and forwarded all the same.${
    reporting.exceptions.length > 0 && html` Only ${rules} enforce.`
  }</p>${consequence}</div></section>
`;
}

function list(labels: readonly string[]): Html {
  const shown = labels.slice(0, 20).map((label, index) => html`${index > 0 && ', '}<b>${label}</b>`);
  return html`${shown}${labels.length > 20 && ` and ${count(labels.length - 20, 'other')}`}`;
}

/** Whom enforcement would hit. Nothing where all is enforced and always was. */
export function renderReporting(status: Status): Html | null {
  const { reporting, history, now } = status;
  const { rows, forgotten } = reporting;
  if (!isReporting(status) && rows.length === 0) return null;
  const { reported, requests } = history;
  return html`<h2 id="reporting-title">What would have been refused</h2>
<p class="lead"><b>${number(reported)} of ${number(requests)}</b> requests in the last 15 minutes would have been refused (${percent(reported, requests)}).</p>
${
  rows.length === 0
    ? html`<p class="empty">Nothing yet since the start.</p>`
    : renderTable({
        id: 'reported',
        caption: 'Would-be refusals since the start, the last seen first',
        columns: ['Rule', 'Reason', 'Issuer', 'Who', 'Requests', 'Last seen'],
        numeric: [4],
        rows: rows.map(({ rule, reason, issuer, who, count: seen, lastSeen }) => [
          cut(rule, 60),
          linkReason(reason),
          cut(issuer, 60),
          cut(who, 140),
          number(seen),
          since(lastSeen, now),
        ]),
      })
}
${forgotten > 0 && html`<p class="note">${count(forgotten, 'older row')} made room for newer ones.</p>`}
<p class="note">A token that verified is named by its client and, as <code>log.subject</code> says, its subject; anybody else by a masked address.</p>
`;
}
