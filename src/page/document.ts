import { type Html, html } from './html.ts';
import { style } from './style.ts';

interface Document {
  readonly title: string;
  readonly body: Html;
}

/** A whole page around its body. */
export function renderDocument({ title, body }: Document): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<style>${style}</style>
</head>
<body>
${body}
</body>
</html>
`.text;
}
