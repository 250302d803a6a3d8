import { reasons } from '../errors.ts';
import type { Status, UpstreamStatus } from '../status.ts';
import { type Html, html } from './html.ts';
import { linkReason } from './reasons.ts';
import { renderMark } from './state.ts';
import { cut, millis, number, since } from './words.ts';

/** Each upstream: where it is, and what requests have met there. */
export function renderUpstreams(status: Status): Html {
  return html`<h2 id="upstreams-title">Upstreams</h2>
<p class="note">What requests have met there; the sidecar sends none of its own to find out. Answers and latency are those of the last 15 minutes, latency up to the head of the answer. In use are connections; waiting are requests for one.</p>
<div class="cards">${status.upstreams.map((upstream, index) => renderUpstream(upstream, index, status))}</div>
`;
}

function renderUpstream(upstream: UpstreamStatus, index: number, { history, now }: Status): Html {
  const { name, url, connections } = upstream;
  const traffic = history.upstreams.find((each) => each.upstream === name);
  const answerMs = traffic?.answerMs ?? null;
  const errors = Object.entries(upstream.errors);
  return html`<section class="card" aria-labelledby="upstream-${index}">
<h3 id="upstream-${index}" class="issuer">${name} <span>${cut(url, 200)}</span></h3>
${renderVerdict(upstream, now)}
<dl>
<div><dt>Answers</dt><dd>${number(traffic?.answered ?? 0)}</dd></div>
<div><dt>Latency p50</dt><dd>${answerMs === null ? '–' : millis(answerMs.p50)}</dd></div>
<div><dt>Latency p99</dt><dd>${answerMs === null ? '–' : millis(answerMs.p99)}</dd></div>
<div><dt>In use</dt><dd>${number(connections.inUse)} of ${number(connections.most)}</dd></div>
<div><dt>Waiting</dt><dd>${number(connections.waiting)}</dd></div>
</dl>
${
  errors.length > 0 &&
  html`<p class="note">Failed since it is in the config as it is: ${errors.map(
    ([reason, failed], at) => html`${at > 0 && ', '}${number(failed)} × ${linkReason(reason)}`,
  )}.</p>`
}
</section>
`;
}

function renderVerdict({ state, lastAnswer, lastError, failedInRow }: UpstreamStatus, now: string): Html {
  if (state === 'unused')
    return html`<p class="verdict"><span><b>Not used yet.</b> No request to it has ended.</span></p>`;
  const answered =
    lastAnswer === null ? html`It has answered none` : html`It last answered ${since(lastAnswer, now)}`;
  if (state === 'answers' || lastError === null) {
    return html`<p class="verdict good">${renderMark('good')}<span><b>Answers.</b> ${answered}.</span></p>`;
  }
  const { reason, at } = lastError;
  const failed =
    failedInRow === 1 ? 'The last request failed' : `The last ${number(failedInRow)} requests failed`;
  return html`<p class="verdict bad">${renderMark('bad')}<span><b>Fails.</b> ${failed}, the latest ${since(at, now)}: ${reasons[reason].title} (${linkReason(reason)}). ${answered}.</span></p>`;
}
