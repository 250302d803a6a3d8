import { type Html, html, type Value } from './html.ts';

export interface Table {
  /** Of the element, so that it is found again after an update. */
  readonly id: string;
  readonly caption: string;
  /** Where what stands above says the same to those who see it. */
  readonly captionHidden?: boolean;
  readonly columns: readonly string[];
  /** Indexes of columns whose numbers stand below each other. */
  readonly numeric?: readonly number[];
  readonly rows: readonly (readonly Value[])[];
}

/**
 * A table that scrolls by itself where it is wider than the page. On a phone each row is a list of its cells with the
 * names of their columns: the roles say that it is a table all the same.
 */
export function renderTable({
  id,
  caption,
  columns,
  numeric = [],
  rows,
  captionHidden = false,
}: Table): Html {
  const kind = (index: number) => (numeric.includes(index) ? 'number' : 'text');
  return html`<div class="scroll" id="${id}" role="region" tabindex="0" aria-label="${caption}">
<table role="table"><caption${captionHidden && html` class="hidden"`}>${caption}</caption>
<thead role="rowgroup"><tr role="row">${columns.map((column, index) => html`<th role="columnheader" scope="col" class="${kind(index)}">${column}</th>`)}</tr></thead>
<tbody role="rowgroup">${rows.map(
    (row) => html`<tr role="row">${row.map((value, index) =>
      index === 0
        ? html`<th role="rowheader" scope="row" class="${kind(index)}" data-of="${columns[index] ?? ''}"><div>${value}</div></th>`
        : html`<td role="cell" class="${kind(index)}" data-of="${columns[index] ?? ''}"><div>${value}</div></td>`,
    )}</tr>
`,
  )}</tbody></table></div>
`;
}
