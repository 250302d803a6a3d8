import type { Explanation } from '../explain/explain.ts';
import type { Status } from '../status.ts';
import { type ClientsView, renderClients } from './clients.ts';
import { renderDocument } from './document.ts';
import { renderExplainer } from './explainer.ts';
import { type Html, html } from './html.ts';
import { renderIssuers } from './issuers.ts';
import { renderReloadNotice } from './notices.ts';
import { renderCache, renderConfig } from './process.ts';
import { renderReasons } from './reasons.ts';
import { renderNotice, renderReporting } from './reporting.ts';
import { script } from './script.ts';
import { concludeState, renderState } from './state.ts';
import { renderTraffic } from './traffic.ts';
import { renderUpstreams } from './upstreams.ts';
import { utc } from './words.ts';

/**
 * The status page: a pure function of what is known. What changes by itself is in parts with `data-live`, which the
 * script replaces; the explainer is none of them.
 *
 * @param explanation - of the token that was asked about, if one was
 * @param clients - how the blocked clients are shown
 */
export function renderPage(
  status: Status,
  explanation: Explanation | null,
  clients: ClientsView = { kind: 'masked', hasToken: false },
): string {
  // Shown by the token in a form, which the script does not have when it asks for the page anew.
  const clientsStay = clients.kind === 'full' && clients.asksToken;
  const reporting = renderReporting(status);
  return renderDocument({
    title: `${concludeState(status).word} · jwks-sidecar`,
    body: html`<a class="skip" href="#main">Skip to the status</a>
<header><h1>jwks-sidecar</h1>
<nav aria-label="Sections"><ul>
<li><a href="#traffic">Traffic</a></li><li><a href="#upstreams">Upstreams</a></li><li><a href="#issuers">Issuers</a></li><li><a href="#explain">Explain a token</a></li><li><a href="#clients">Blocked clients</a></li><li><a href="#process">Process</a></li>
</ul></nav>
<div class="refresh"><span id="updated">As of <span id="now">${utc(status.now)}</span></span> <button type="button" id="pause" hidden>Pause</button> <a href="/">Reload</a></div>
</header>
<main id="main" tabindex="-1">
<section id="overview" data-live aria-label="State">${renderState(status)}</section>
<div id="notices" data-live>${renderReloadNotice(status)}${renderNotice(status)}</div>
<section id="traffic" data-live aria-labelledby="traffic-title">${renderTraffic(status)}</section>
${live('reporting', reporting)}
<section id="upstreams" data-live aria-labelledby="upstreams-title">${renderUpstreams(status)}</section>
<section id="issuers" data-live aria-labelledby="issuers-title">${renderIssuers(status)}</section>
<section id="explain" aria-labelledby="explain-title">${renderExplainer(explanation)}</section>
<section id="clients"${!clientsStay && html` data-live`} aria-labelledby="clients-title">${renderClients(status, clients)}</section>
<div id="process" class="trio">
<section id="cache" data-live aria-labelledby="cache-title">${renderCache(status)}</section>
<section id="config" data-live aria-labelledby="config-title">${renderConfig(status)}</section>
</div>
<section id="reasons" aria-labelledby="meanings-title">${renderReasons()}</section>
</main>
<footer><p>The same as JSON: <a href="/api/status">/api/status</a> · for Prometheus: <a href="/metrics">/metrics</a></p></footer>
<script>${script}</script>`,
  });
}

/** Even where it is empty now: a reload of the config may fill it. */
function live(id: string, content: Html | null): Html {
  return html`<div id="${id}" data-live>${content !== null && html`<section class="card" aria-labelledby="${id}-title">${content}</section>`}</div>`;
}
