import t from 'tap';
import { discover } from '../../src/keys/discover.ts';
import { FetchError, type FetchErrorCode } from '../../src/keys/error.ts';

const issuer = 'https://idp.example.com/tenants/a';
const openid = 'https://idp.example.com/tenants/a/.well-known/openid-configuration';
const oauth = 'https://idp.example.com/.well-known/oauth-authorization-server/tenants/a';
const jwksUri = 'https://keys.example.com/jwks';

/** Serves the documents, 404 for the rest, and notes what was asked for. */
function serve(documents: Readonly<Record<string, unknown>>) {
  const asked: string[] = [];
  const fetchJson = async (url: string) => {
    asked.push(url);
    const document = documents[url] ?? new FetchError('status', 'answered 404');
    if (document instanceof Error) throw document;
    return { document };
  };
  return { asked, fetchJson };
}

t.test('OpenID Connect Discovery comes first', async (t) => {
  const { asked, fetchJson } = serve({
    [openid]: { issuer, jwks_uri: jwksUri },
    [oauth]: { issuer, jwks_uri: 'https://x/' },
  });
  t.equal(await discover(issuer, fetchJson), jwksUri);
  t.same(asked, [openid]);
});

t.test('RFC 8414 where there is none', async (t) => {
  const codes: FetchErrorCode[] = ['status', 'redirect'];
  for (const code of codes) {
    const { asked, fetchJson } = serve({
      [openid]: new FetchError(code, code),
      [oauth]: { issuer, jwks_uri: jwksUri },
    });
    t.equal(await discover(issuer, fetchJson), jwksUri, code);
    t.same(asked, [openid, oauth]);
  }
});

t.test('no second try after any other failure', async (t) => {
  const codes: FetchErrorCode[] = ['timeout', 'network', 'tls', 'too_large', 'not_json', 'insecure'];
  for (const code of codes) {
    const { asked, fetchJson } = serve({
      [openid]: new FetchError(code, code),
      [oauth]: { issuer, jwks_uri: jwksUri },
    });
    await t.rejects(discover(issuer, fetchJson), { code });
    t.same(asked, [openid]);
  }
});

t.test('where neither is there, the error is of the first', async (t) => {
  const { fetchJson } = serve({ [openid]: new FetchError('status', 'answered 500') });
  await t.rejects(discover(issuer, fetchJson), { code: 'status', message: 'answered 500' });
  const slow = serve({ [oauth]: new FetchError('timeout', 'took too long') });
  await t.rejects(discover(issuer, slow.fetchJson), { code: 'timeout' });
});

t.test('where the documents are', async (t) => {
  const cases = [
    {
      issuer: 'https://a.example',
      openid: 'https://a.example/.well-known/openid-configuration',
      oauth: 'https://a.example/.well-known/oauth-authorization-server',
    },
    {
      issuer: 'https://a.example/',
      openid: 'https://a.example/.well-known/openid-configuration',
      oauth: 'https://a.example/.well-known/oauth-authorization-server',
    },
    {
      issuer: 'https://a.example:8443/t/',
      openid: 'https://a.example:8443/t/.well-known/openid-configuration',
      oauth: 'https://a.example:8443/.well-known/oauth-authorization-server/t',
    },
  ];
  for (const { issuer, ...expected } of cases) {
    const { asked, fetchJson } = serve({});
    await t.rejects(discover(issuer, fetchJson), { code: 'status' });
    t.same(asked, [expected.openid, expected.oauth], issuer);
  }
});

t.test('the issuer must be the same, character by character', async (t) => {
  const others = [
    'https://idp.example.com/tenants/b',
    `${issuer}/`,
    issuer.toUpperCase(),
    'https://idp.example.com',
    '',
    null,
    undefined,
    [issuer],
    { toString: () => issuer },
  ];
  for (const other of others) {
    const { asked, fetchJson } = serve({
      [openid]: { issuer: other, jwks_uri: jwksUri },
      [oauth]: { issuer, jwks_uri: jwksUri },
    });
    await t.rejects(discover(issuer, fetchJson), { code: 'issuer_mismatch' }, String(other));
    t.same(asked, [openid], 'no other document is asked instead');
  }
});

t.test('a mismatch says both issuers, without what is secret or would not end', async (t) => {
  const cases: { got: unknown; message: string | RegExp }[] = [
    {
      got: 'https://b.example',
      message: `the metadata is of issuer https://b.example, and the config says ${issuer}`,
    },
    {
      got: `${issuer}/`,
      message: `the metadata is of issuer ${issuer}/, and the config says ${issuer}; they differ in the slash at the end`,
    },
    {
      got: 'https://user:secret@b.example/x?secret#secret',
      message: /of issuer https:\/\/b\.example\/x, and/,
    },
    { got: 'https://us@er:secret@b.example', message: /of issuer https:\/\/b\.example, and/ },
    { got: 'https:\\\\user:secret@b.example', message: /b\.example, and/ },
    { got: 'user:secret@b.example', message: /b\.example, and/ },
    { got: 'https://b.example/a@b', message: /of issuer https:\/\/b\.example\/a@b, and/ },
    {
      got: `https://b.example/\r\n\u001b[2J\u202e`,
      message: /of issuer https:\/\/b\.example\/\?\?\?\[2J\?, and/,
    },
    { got: `https://b.example/${'x'.repeat(5000)}`, message: /^the metadata is of issuer .{200}\.\.\., and/ },
    { got: undefined, message: /"issuer" is not a string/ },
    { got: ['secret'], message: /"issuer" is not a string/ },
  ];
  for (const { got, message } of cases) {
    const { fetchJson } = serve({ [openid]: { issuer: got, jwks_uri: jwksUri } });
    const error = await discover(issuer, fetchJson).catch((error: unknown) => error);
    t.match(error, { code: 'issuer_mismatch', message });
    t.notMatch((error as Error).message, 'secret');
  }
});

t.test('metadata that is none', async (t) => {
  for (const metadata of ['text', 7, null, [{ issuer, jwks_uri: jwksUri }], true]) {
    const { fetchJson } = serve({ [openid]: metadata ?? new FetchError('not_json', 'null') });
    await t.rejects(discover(issuer, fetchJson), { name: 'FetchError' }, JSON.stringify(metadata));
  }
});

t.test('jwks_uri', async (t) => {
  const local = 'http://127.0.0.1:9000';
  const cases: { name: string; issuer?: string; uri: unknown; code?: FetchErrorCode }[] = [
    { name: 'https', uri: 'https://keys.example.com/jwks?x=1' },
    { name: 'a private address', uri: 'https://10.0.0.1:6443/openid/v1/jwks' },
    // Whether http is allowed at all is for the fetch to say.
    { name: 'http', uri: 'http://keys.example.com/jwks' },
    { name: 'loopback of a loopback issuer', issuer: local, uri: 'http://localhost:9000/jwks' },
    { name: 'loopback of another issuer', uri: 'http://127.0.0.1:9090/metrics', code: 'address_not_allowed' },
    { name: 'its IPv6', uri: 'https://[::1]/jwks', code: 'address_not_allowed' },
    { name: 'link-local', uri: 'http://169.254.169.254/latest/meta-data', code: 'address_not_allowed' },
    { name: 'link-local as a number', uri: 'https://2852039166/jwks', code: 'address_not_allowed' },
    { name: 'link-local IPv6', uri: 'https://[fe80::1]/jwks', code: 'address_not_allowed' },
    {
      name: 'link-local of a loopback issuer',
      issuer: local,
      uri: 'http://169.254.169.254/',
      code: 'address_not_allowed',
    },
    { name: 'IPv4-mapped', uri: 'https://[::ffff:a9fe:a9fe]/jwks', code: 'address_not_allowed' },
    { name: 'unspecified', uri: 'http://0.0.0.0/jwks', code: 'address_not_allowed' },
    { name: 'metadata by name', uri: 'http://metadata.google.internal/jwks', code: 'address_not_allowed' },
    { name: 'missing', uri: undefined, code: 'metadata_invalid' },
    { name: 'a list', uri: [jwksUri], code: 'metadata_invalid' },
    { name: 'relative', uri: '/jwks', code: 'metadata_invalid' },
    { name: 'file', uri: 'file:///etc/passwd', code: 'metadata_invalid' },
    { name: 'data', uri: 'data:application/json,{}', code: 'metadata_invalid' },
    { name: 'with credentials', uri: 'https://user:secret@keys.example.com/', code: 'metadata_invalid' },
  ];
  for (const { name, issuer: of = issuer, uri, code } of cases) {
    const { fetchJson } = serve({
      [openid]: { issuer: of, jwks_uri: uri },
      [`${local}/.well-known/openid-configuration`]: { issuer: of, jwks_uri: uri },
    });
    if (code === undefined) t.equal(await discover(of, fetchJson), uri, name);
    else {
      const error = await discover(of, fetchJson).catch((error: unknown) => error);
      t.match(error, { name: 'FetchError', code }, name);
      t.notMatch((error as Error).message, 'secret', name);
    }
  }
});

t.test('an issuer that is no URL has no metadata', async (t) => {
  const { asked, fetchJson } = serve({});
  for (const name of ['accounts.example.com', 'urn:issuer', '', 'https://user:pw@idp.example.com']) {
    await t.rejects(discover(name, fetchJson), { code: 'metadata_invalid' }, name);
  }
  t.same(asked, []);
});
