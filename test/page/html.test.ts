import t from 'tap';
import { constant, html } from '../../src/page/html.ts';

t.test('what a value becomes', async (t) => {
  const cases = [
    { name: 'text', value: 'a b', expected: 'a b' },
    { name: 'a number', value: 0, expected: '0' },
    { name: 'null', value: null, expected: '' },
    { name: 'false', value: false as const, expected: '' },
    { name: 'markup', value: html`<b>${'<'}</b>`, expected: '<b>&lt;</b>' },
    { name: 'a list', value: ['<', html`<br>`, ['&', null]], expected: '&lt;<br>&amp;' },
    {
      name: 'an element',
      value: '<script>alert(1)</script>',
      expected: '&lt;script&gt;alert(1)&lt;/script&gt;',
    },
    { name: 'quotes of all kinds', value: `"'\``, expected: '&quot;&#39;&#96;' },
    { name: 'an entity', value: '&lt;', expected: '&amp;lt;' },
    { name: 'control characters', value: 'a\u0000\r\nb', expected: 'a\\u0000\\u000d\\u000ab' },
    { name: 'text that turns around', value: 'a\u202eb', expected: 'a\\u202eb' },
    { name: 'text like a replacement', value: '$& $1', expected: '$&amp; $1' },
  ];
  for (const { name, value, expected } of cases) {
    t.equal(html`<p title="${value}">`.text, `<p title="${expected}">`, name);
  }
  t.equal(html`${'x'.repeat(9000)}`.text.length, 4000, 'what is endless is cut');
  t.equal(html`<style>${constant('a>b{}')}</style>`.text, '<style>a>b{}</style>');
  t.throws(() => html`${{ text: '<b>' } as never}`, 'what only looks like markup');
  t.equal(html``.text, '');
});
