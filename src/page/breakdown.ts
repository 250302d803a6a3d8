import type { Status } from '../status.ts';
import { type Html, html } from './html.ts';
import { renderTable, type Table } from './table.ts';
import { count, cut, number } from './words.ts';

const mostShown = 20;

/** The traffic of the last fifteen minutes by rule and by issuer, the busiest first. */
export function renderBreakdown({ history: { rules, issuers } }: Status): Html {
  const reports = issuers.some(({ reported }) => reported > 0);
  return html`<div class="pair">
${renderPart('By rule', {
  id: 'by-rule',
  caption: 'Requests by rule; 4xx and 5xx are answers of the gateway and of the upstream alike',
  columns: ['Rule', 'Requests', '4xx', '5xx'],
  numeric: [1, 2, 3],
  rows: rules.map(({ rule, requests, clientErrors, serverErrors }) => [
    cut(rule, 60),
    number(requests),
    number(clientErrors),
    number(serverErrors),
  ]),
})}
${renderPart('By issuer', {
  id: 'by-issuer',
  caption: 'Decisions by issuer; none: no token, or one that names no issuer of the config',
  columns: ['Issuer', 'Allowed', 'Denied', ...(reports ? ['Reported'] : [])],
  numeric: [1, 2, 3],
  rows: issuers.map(({ issuer, allowed, denied, reported }) => [
    cut(issuer, 100),
    number(allowed),
    number(denied),
    ...(reports ? [number(reported)] : []),
  ]),
})}
</div>
`;
}

function renderPart(title: string, table: Table): Html {
  const others = table.rows.length - mostShown;
  return html`<div><h3>${title}</h3>
${
  table.rows.length === 0
    ? html`<p class="empty">No request came.</p>`
    : renderTable({ ...table, rows: table.rows.slice(0, mostShown) })
}${others > 0 && html`<p class="note">And ${count(others, 'other')}, in <a href="/api/status">/api/status</a>.</p>`}</div>
`;
}
