import type { Status } from '../status.ts';
import { type Html, html } from './html.ts';
import { renderMark } from './state.ts';
import { count, since } from './words.ts';

const mostFaults = 20;

/** Says that the last reload failed, and why. Nothing where it did not. */
export function renderReloadNotice({ config: { lastReload, loadedAt, source }, now }: Status): Html | null {
  if (lastReload?.result !== 'failure') return null;
  const { at, faults } = lastReload;
  const others = faults.length - mostFaults;
  return html`<section class="notice bad" aria-labelledby="reload-failed">${renderMark('bad')}<div><h2 id="reload-failed">The last reload failed</h2>
<p>It was tried ${since(at, now)}. The config before it, loaded ${since(loadedAt, now)}, stays in force as it is. What is wrong in <code>${source}</code>:</p>
<ul>${faults.slice(0, mostFaults).map((fault) => html`<li>${fault}</li>`)}</ul>${others > 0 && html`<p>And ${count(others, 'other fault')}.</p>`}</div></section>
`;
}
