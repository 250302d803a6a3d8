import type { Status } from '../status.ts';
import { type Html, html } from './html.ts';
import { bytes, count, number, percent, since } from './words.ts';

/** The verdicts at hand. */
export function renderCache({ tokenCache }: Status): Html {
  const { entries, bytes: size, hits, misses, evictions, maxEntries, maxBytes } = tokenCache;
  return html`<h2 id="cache-title">Token cache</h2>
${
  maxEntries === 0
    ? html`<p class="empty">The cache is switched off: every token is verified by its signature.</p>`
    : html`<dl class="rows">
<div><dt>Verdicts</dt><dd>${number(entries)} of at most ${number(maxEntries)}</dd></div>
<div><dt>Size</dt><dd>${bytes(size)} of at most ${bytes(maxBytes)}</dd></div>
<div><dt>Hits since the start</dt><dd>${number(hits)} (${percent(hits, hits + misses)})</dd></div>
<div><dt>Misses</dt><dd>${number(misses)}</dd></div>
<div><dt>Dropped</dt><dd>${number(evictions)}</dd></div>
</dl>
`
}`;
}

/** What is in force, and what waits. */
export function renderConfig({ config, now }: Status): Html {
  const { source, loadedAt, lastReload, needsRestart } = config;
  const failed = lastReload?.result === 'failure';
  return html`<h2 id="config-title">Config</h2>
<dl class="rows">
<div><dt>Source</dt><dd>${source}</dd></div>
<div><dt>In force since</dt><dd>${since(loadedAt, now)}</dd></div>
<div><dt>Last reload</dt><dd>${
    lastReload === null
      ? 'none since the start'
      : html`${failed ? html`<a href="#reload-failed"><b>failed</b></a>` : 'succeeded'}, ${since(lastReload.at, now)}`
  }</dd></div>
</dl>
${
  needsRestart.length > 0 &&
  html`<div class="fault"><p><b>A restart is needed</b> for ${count(needsRestart.length, 'setting')}:</p><ul>${needsRestart.map(
    (setting) => html`<li><code>${setting}</code></li>`,
  )}</ul></div>
`
}`;
}
