import { span } from '../explain/value.ts';
import type { KeySetState } from '../keys/status.ts';
import type { IssuerStatus, Status } from '../status.ts';
import { type Html, html } from './html.ts';
import { renderMark, type Tone } from './state.ts';
import { renderTable } from './table.ts';
import { count, cut, cutApart, since } from './words.ts';

interface Reading {
  readonly tone: Tone;
  readonly word: string;
  says(issuer: IssuerStatus): string;
}

const readings: Readonly<Record<KeySetState, Reading>> = {
  never: {
    tone: 'bad',
    word: 'No keys',
    says: () => 'No fetch has succeeded yet: tokens of this issuer get 503.',
  },
  fresh: { tone: 'good', word: 'Fresh', says: () => 'Its tokens can be verified.' },
  stale: {
    tone: 'warn',
    word: 'Stale',
    says: ({ ageMs, maxStaleMs }) =>
      `The last good keys serve for ${span(maxStaleMs - (ageMs ?? 0))} more (maxStale is ${span(maxStaleMs)}), then its tokens get 503.`,
  },
  expired: {
    tone: 'bad',
    word: 'Past maxStale',
    says: ({ maxStaleMs }) =>
      `The last good keys are older than ${span(maxStaleMs)} (maxStale) and serve no more: its tokens get 503.`,
  },
};

/** Each issuer's keys: whether they serve, how old they are, what went wrong. */
export function renderIssuers({ issuers, now }: Status): Html {
  return html`<h2 id="issuers-title">Issuers and their keys</h2>
<div class="cards">${issuers.map((issuer, index) => renderIssuer(issuer, index, now))}</div>
`;
}

function renderIssuer(issuer: IssuerStatus, index: number, now: string): Html {
  const { tone, word, says } = readings[issuer.state];
  const { lastSuccess, nextRefreshMs, lastError, fromCacheFile } = issuer;
  const last = lastSuccess === null ? 'never' : since(lastSuccess, now);
  return html`<section class="card" aria-labelledby="issuer-${index}">
<h3 id="issuer-${index}" class="issuer">${issuer.issuer}</h3>
<p class="verdict ${tone}">${renderMark(tone)}<span><b>${word}.</b> ${says(issuer)}</span></p>
<dl>
<div><dt>Keys</dt><dd>${issuer.keys.length}</dd></div>
<div class="two"><dt>Last fetched</dt><dd>${last}${fromCacheFile && ', from keys.cacheFile'}</dd></div>
<div><dt>Next fetch</dt><dd>${nextRefreshMs === null ? 'under way' : nextRefreshMs < 1000 ? 'now' : `in ${span(nextRefreshMs)}`}</dd></div>
<div${issuer.source.length > longestInRow && html` class="whole"`}><dt>Source</dt><dd>${issuer.source}</dd></div>
</dl>
${lastError !== null && html`<p class="fault"><b>The last fetch failed</b> (<code>${lastError.code}</code>): ${lastError.message}</p>`}
${issuer.keys.length > 0 && renderKeys(issuer, index)}
${issuer.skipped.length > 0 && renderSkipped(issuer, index)}
</section>
`;
}

/** A source that is longer gets a row of its own. */
const longestInRow = 12;
const longestKid = 24;

function renderKeys({ keys, issuer }: IssuerStatus, index: number): Html {
  const kids = cutApart(
    keys.map(({ kid }) => kid ?? ''),
    longestKid,
  );
  return html`<details id="keys-${index}"${keys.length <= 4 && html` open`}><summary>${count(keys.length, 'key')} in use</summary>
${renderTable({
  id: `keys-${index}-table`,
  caption: `Keys of ${cut(issuer, 80)}`,
  captionHidden: true,
  columns: ['Key id', 'Algorithms', 'Type', 'Thumbprint'],
  rows: keys.map(({ kid, type, algorithms, thumbprint }, each) => [
    kid === null ? 'none' : html`<code title="${kid}">${kids[each] ?? ''}</code>`,
    algorithms.join(', '),
    type,
    html`<code>${cut(thumbprint, 10)}</code>`,
  ]),
})}</details>
`;
}

function renderSkipped({ skipped, issuer }: IssuerStatus, index: number): Html {
  const kids = cutApart(
    skipped.map(({ kid }) => kid ?? ''),
    longestKid,
  );
  return html`<details id="skipped-${index}"><summary>${count(skipped.length, 'published key')} cannot be used</summary>
${renderTable({
  id: `skipped-${index}-table`,
  caption: `Keys of ${cut(issuer, 80)} that cannot be used`,
  captionHidden: true,
  columns: ['Key id', 'Why'],
  rows: skipped.map(({ kid, why }, each) => [
    kid === null ? 'none' : html`<code title="${kid}">${kids[each] ?? ''}</code>`,
    why,
  ]),
})}</details>
`;
}
