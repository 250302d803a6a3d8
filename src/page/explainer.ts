import { conclude } from '../explain/conclude.ts';
import type { Explanation } from '../explain/explain.ts';
import { labels } from '../explain/labels.ts';
import type { ExplainedCheck } from '../explain/steps.ts';
import { type Html, html } from './html.ts';
import { linkReason } from './reasons.ts';
import { renderMark } from './state.ts';

/** Those that the form offers. */
export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** The form, and below it what it was answered. The token is never part of it. */
export function renderExplainer(explanation: Explanation | null): Html {
  const asked = explanation === null ? { method: 'GET', path: '/' } : explanation;
  return html`<h2 id="explain-title">Explain a token</h2>
<p class="lead">What would become of a request with this token, and why? The gateway's own checks answer, with the config and the keys in force.</p>
<form method="post" action="/explain#result" autocomplete="off">
<div class="field wide"><label for="token">Token</label>
<textarea id="token" name="token" rows="4" autocomplete="off" autocapitalize="off" spellcheck="false" aria-describedby="token-note"></textarea>
<p id="token-note" class="note">It is checked once and nothing of it is kept: not logged, not counted, not cached, not sent back. Leave it empty to see what a request without a token gets.</p></div>
<div class="field"><label for="method">Method</label>
<select id="method" name="method" autocomplete="off">${methods.map(
    (method) => html`<option${method === asked.method && html` selected`}>${method}</option>`,
  )}</select></div>
<div class="field grow"><label for="path">Path</label>
<input id="path" name="path" value="${asked.path}" autocomplete="off" autocapitalize="off" spellcheck="false"></div>
<div class="field"><button type="submit">Explain</button></div>
</form>
${explanation !== null && renderResult(explanation)}
`;
}

const tones = { allow: 'good', report: 'warn', deny: 'bad' } as const;
const words = { allow: 'Allowed', report: 'Reported', deny: 'Denied' } as const;

function renderResult(explanation: Explanation): Html {
  const { decision, method, path, rule, issuer, steps } = explanation;
  const tone = tones[decision];
  return html`<section id="result" class="result" aria-labelledby="result-title" tabindex="-1">
<h3 id="result-title" class="verdict ${tone}">${renderMark(tone)}${words[decision]}</h3>
<p class="lead">${sentence(explanation)}</p>
<dl class="facts">
<div><dt>Request</dt><dd>${methods.includes(method) ? method : 'another method'} ${path}</dd></div>
<div><dt>Rule</dt><dd>${rule === null ? 'none' : `${rule.name} (auth ${rule.auth}, upstream ${rule.upstream})`}</dd></div>
<div><dt>Issuer</dt><dd>${issuer ?? 'none that is configured'}</dd></div>
</dl>
<ol class="steps">${steps.map(renderStep)}</ol>
</section>
`;
}

function sentence(explanation: Explanation): string {
  const text = conclude(explanation);
  return explanation.decision === 'allow' ? 'Every check that applies is passed.' : `It is ${text}`;
}

const outcomes = {
  passed: { className: 'passed', word: 'Passed' },
  failed: { className: 'failed', word: 'Failed' },
  'not reached': { className: 'unreached', word: 'Not reached' },
} as const;

function renderStep({ check, outcome, reason, expected, got, hint }: ExplainedCheck): Html {
  const { className, word } = outcomes[outcome];
  const shown = reason === undefined ? reason : linkReason(reason);
  const said = Object.entries({ Reason: shown, Expected: expected, Got: got, Hint: hint }).flatMap(
    ([name, text]) => (text === undefined ? [] : [{ name, text }]),
  );
  return html`<li class="${className}"><span class="outcome">${word}</span><div><span class="check">${labels[check]}</span>${
    said.length > 0 &&
    html`<dl>${said.map(({ name, text }) => html`<div><dt>${name}</dt><dd>${text}</dd></div>`)}</dl>`
  }</div></li>
`;
}
