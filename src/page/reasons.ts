import { type Reason, reasons } from '../errors.ts';
import { type Html, html } from './html.ts';

/** A reason's code, as a link to what it means. */
export function linkReason(code: string): Html {
  return Object.hasOwn(reasons, code)
    ? html`<a href="#reason-${code}"><code>${code}</code></a>`
    : html`<code>${code}</code>`;
}

/** What every reason means, folded away: links to one of them open it. */
export function renderReasons(): Html {
  const all = Object.entries(reasons) as readonly [Reason, (typeof reasons)[Reason]][];
  return html`<h2 id="meanings-title">What the reasons mean</h2>
<details id="meanings"><summary>All ${all.length} reasons, each with the status of its answer</summary>
<dl class="meanings">${all.map(
    ([
      code,
      { status, title, detail },
    ]) => html`<div id="reason-${code}" tabindex="-1"><dt><code>${code}</code> ${status}</dt><dd><b>${title}.</b> ${detail}</dd></div>
`,
  )}</dl></details>
`;
}
