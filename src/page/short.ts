import { renderDocument } from './document.ts';
import { type Html, html } from './html.ts';

function renderShort(title: string, text: Html): string {
  return renderDocument({
    title: `${title} · jwks-sidecar`,
    body: html`<main class="short"><h1>${title}</h1>
${text}</main>`,
  });
}

/** For a browser that may not see the page: how to get in. */
export function renderUnauthorized(): string {
  return renderShort(
    'Not from here',
    html`<p>The status page answers only from the same machine, under the name localhost or an address of its own. In Kubernetes, forward the admin port and open it under localhost:</p>
<pre tabindex="0">kubectl port-forward POD 9090:9090</pre>
<p>then <a href="http://localhost:9090/">http://localhost:9090/</a>. Programs send the content of <code>admin.tokenFile</code> instead, and with <code>admin.tokenRequired</code> they have to on the same machine too:</p>
<pre tabindex="0">curl -H "Authorization: Bearer $(cat admin-token)" http://…:9090/api/status</pre>
`,
  );
}

/** For a form that cannot be answered. */
export function renderRefused(title: string, sentence: string): string {
  return renderShort(
    title,
    html`<p>${sentence}</p>
<p><a href="/">Back to the status page</a></p>
`,
  );
}
