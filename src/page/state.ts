import { span } from '../explain/value.ts';
import type { Status } from '../status.ts';
import { type Html, html } from './html.ts';
import { count, cut, utc } from './words.ts';

export type Tone = 'good' | 'warn' | 'bad';

/** How it goes, in one sentence. */
export interface State {
  readonly tone: Tone;
  /** One word. */
  readonly word: string;
  readonly sentence: string;
}

/** Draws the conclusion: what an operator has to know before all else. */
export function concludeState(status: Status): State {
  if (!status.ready) {
    const also = hasFailedReload(status) ? ' Also, the last reload of the config failed.' : '';
    return { tone: 'bad', word: 'Not ready', sentence: whyNot(status) + also };
  }
  const [first, ...others] = listTroubles(status);
  if (first !== undefined) {
    const tone = [first, ...others].some((each) => each.tone === 'bad') ? 'bad' : 'warn';
    const rest = others.map(({ says }) => ` Also, ${says}`);
    return { tone, word: 'Ready, but', sentence: first.says + rest.join('') };
  }
  if (status.mode === 'report') {
    return {
      tone: 'warn',
      word: 'Ready',
      sentence: 'in report mode: what the policy refuses is forwarded all the same.',
    };
  }
  return { tone: 'good', word: 'Ready', sentence: `to verify tokens of ${names(status.issuers)}.` };
}

interface Trouble {
  readonly tone: Tone;
  readonly says: string;
}

function listTroubles(status: Status): readonly Trouble[] {
  const { issuers, upstreams } = status;
  const without = issuers.filter(({ state }) => state === 'never' || state === 'expired');
  const stale = issuers.filter(({ state }) => state === 'stale');
  const failing = upstreams.filter(({ state }) => state === 'fails');
  const troubles: readonly (Trouble | false)[] = [
    hasFailedReload(status) && {
      tone: 'warn',
      says: 'the last reload of the config failed. The config before it stays in force.',
    },
    without.length > 0 && {
      tone: 'bad',
      says: `tokens of ${names(without)} get 503, because there are no keys for them.`,
    },
    stale.length > 0 && {
      tone: 'warn',
      says: `the keys of ${names(stale)} could not be refreshed. The last good ones serve on.`,
    },
    failing.length > 0 && {
      tone: 'warn',
      says:
        failing.length === 1
          ? `the upstream ${cut(failing[0]?.name ?? '', 60)} has failed its last request.`
          : `${count(failing.length, 'upstream')} have failed their last requests.`,
    },
  ];
  return troubles.filter((each) => each !== false);
}

function hasFailedReload({ config }: Status): boolean {
  return config.lastReload?.result === 'failure';
}

function whyNot({ reasons }: Status): string {
  const missing = reasons.flatMap(({ issuer }) => (issuer === undefined ? [] : [{ issuer }]));
  if (missing.length < reasons.length) return 'because this sidecar is shutting down.';
  return `because the keys of ${names(missing)} could not be fetched yet.`;
}

function names(issuers: readonly { readonly issuer: string }[]): string {
  const [first] = issuers;
  return issuers.length === 1 && first ? cut(first.issuer, 100) : count(issuers.length, 'issuer');
}

/** The shape says it as the color does. */
export function renderMark(tone: Tone): Html {
  const shape = {
    good: html`<circle cx="12" cy="12" r="11"/><path class="cut" d="M7 12.5l3.5 3.5L17 9"/>`,
    warn: html`<path d="M12 1.5L23.5 22H.5z"/><path class="cut" d="M12 9v6M12 18.2v.6"/>`,
    bad: html`<path d="M7.4 1h9.2L23 7.4v9.2L16.6 23H7.4L1 16.6V7.4z"/><path class="cut" d="M8 8l8 8M16 8l-8 8"/>`,
  }[tone];
  return html`<svg class="mark ${tone}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${shape}</svg>`;
}

/** The top of the page. */
export function renderState(status: Status): Html {
  const { tone, word, sentence } = concludeState(status);
  const { version, node, uptimeMs, startedAt, mode, webSockets, now } = status;
  return html`<div class="state ${tone}">${renderMark(tone)}<p id="state" role="status" aria-live="polite"><b>${word}</b> ${sentence}</p></div>
<dl class="facts">
<div><dt>Version</dt><dd>${version}</dd></div>
<div><dt>Node.js</dt><dd>${node.replace(/^v/, '')}</dd></div>
<div><dt>Up for</dt><dd><time datetime="${startedAt}" title="since ${utc(startedAt)}">${span(uptimeMs)}</time></dd></div>
<div><dt>Mode</dt><dd>${mode}, for ${span(Date.parse(now) - Date.parse(status.modeSince))}</dd></div>
<div><dt>Open WebSockets</dt><dd>${webSockets.open}</dd></div>
</dl>
`;
}
