import t from 'tap';
import { composeAnswer, rawAnswer } from '../src/answer.ts';
import { type Reason, type ReasonText, reasons } from '../src/errors.ts';

const all = Object.entries(reasons) as [Reason, ReasonText][];

t.test('every reason as problem details', async (t) => {
  for (const [reason, text] of all) {
    const { status, headers, body } = composeAnswer({ refused: reason }, 'id-1');
    t.equal(status, text.status, reason);
    t.equal(headers['content-type'], 'application/problem+json');
    t.equal(headers['cache-control'], 'no-store');
    t.equal(headers['x-request-id'], 'id-1');
    t.equal(headers['content-length'], Buffer.byteLength(body));
    t.match(JSON.parse(body), {
      type: String,
      title: text.title,
      status,
      code: reason,
      detail: text.detail,
      requestId: 'id-1',
    });
    t.equal('retry-after' in headers, status === 503 || status === 429, 'Retry-After where waiting helps');
  }
});

t.test('challenges, RFC 6750 section 3', async (t) => {
  const challenge = (reason: Reason, scope?: string) =>
    composeAnswer({ refused: reason, ...(scope === undefined ? {} : { scope }) }, 'id').headers[
      'www-authenticate'
    ];
  t.equal(challenge('token_missing'), 'Bearer realm="api"', 'no error for who sent no token');
  t.equal(challenge('token_ambiguous'), 'Bearer realm="api", error="invalid_request"');
  t.equal(challenge('signature_invalid'), 'Bearer realm="api", error="invalid_token"');
  t.equal(
    challenge('scope_insufficient', 'orders:read orders:admin'),
    'Bearer realm="api", error="insufficient_scope", scope="orders:read orders:admin"',
  );
  for (const reason of [
    'rule_denied',
    'csrf_rejected',
    'client_blocked',
    'keys_unavailable',
    'path_not_found',
  ] as const) {
    t.equal(challenge(reason), undefined, reason);
  }
});

t.test('a browser gets a page', async (t) => {
  const cases = [
    { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', page: true },
    { accept: 'text/html', page: true },
    { accept: '*/*', page: false },
    { accept: 'application/json', page: false },
    { accept: 'application/json, text/html;q=0.5', page: false },
    { accept: undefined, page: false },
    { accept: `text/html,${'a/b,'.repeat(8000)}`, page: false },
  ];
  for (const { accept, page } of cases) {
    const { headers, body, status } = composeAnswer({ refused: 'token_expired' }, 'id-2', accept);
    t.equal(headers['content-type'] === 'text/html; charset=utf-8', page, String(accept).slice(0, 80));
    t.equal(status, 401, 'with the same status');
    t.ok(headers['www-authenticate'], 'and the same headers');
    if (page) {
      t.match(body, 'Your session has expired. Please sign in again.');
      t.match(headers['content-security-policy'], "default-src 'none'");
    }
  }
});

t.test('an answer for a connection without a request closes it', async (t) => {
  const text = rawAnswer({ refused: 'request_malformed' }, 'id-3', 'Bad Request');
  t.match(text, /^HTTP\/1\.1 400 Bad Request\r\n/);
  t.match(text, /\r\nconnection: close\r\n/);
  const [, body = ''] = text.split('\r\n\r\n');
  t.equal(JSON.parse(body).code, 'request_malformed');
});
