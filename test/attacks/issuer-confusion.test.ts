import t from 'tap';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { makeKey } from '../helpers/key.ts';
import { bearing, ordinaryIdentity, ownConfig, startTarget, type Verdicts } from './harness.ts';

// Several issuers, one of them hostile or broken into: its keys, its kids and its audience must say nothing about another's
// tokens, RFC 8725 section 3.8.

t.test('an issuer’s keys sign for no other', ownConfig, async (t) => {
  const other = await startFakeIssuer(t, { keys: [await makeKey('RS256', { kid: 'shared' })] });
  const third = await startFakeIssuer(t, {
    keys: [await makeKey('RS256', { kid: 'shared' })],
    audience: 'api://third',
  });
  const issuers = [other, third].map(({ issuer, audience }) => ({ issuer, audience }));
  const rules = [
    { path: '/public/*', auth: 'none' },
    { path: '/optional/*', auth: 'optional' },
    { path: '/other/*', issuers: [other.issuer] },
  ] as const;
  const target = await startTarget(t, { rules: [...rules], others: issuers });
  const first = target.issuer;
  const as = (iss: string, by: typeof other, kid = by.signingKey.kid, aud = by.audience) =>
    target.remember(by.mint({ claims: { iss, aud }, header: { kid } }));
  for (const each of [other, third]) {
    const token = target.remember(each.mint());
    const passed = { identity: ordinaryIdentity(each.issuer) };
    await target.allows(t, 'its own token', bearing(token), passed);
    await target.allows(t, 'its own token, kept', bearing(token, '/optional/x'), passed);
  }
  const table: Verdicts<string> = {
    signature_invalid: {
      'one kid at two issuers': as(third.issuer, other),
      'the other way round': as(other.issuer, third),
      'with the kid of the named issuer': as(first.issuer, other, first.signingKey.kid),
    },
    key_unknown: { 'a kid that the named issuer has not': as(first.issuer, other) },
    audience_mismatch: {
      'the audience of another issuer': as(third.issuer, third, 'shared', 'api://orders'),
      'the audience of a third': as(other.issuer, other, 'shared', 'api://third'),
    },
    issuer_unknown: { 'an issuer that nobody configured': as('https://evil.example', other) },
  };
  await target.judges(t, table, bearing);
  await target.judges(t, table, (token) => bearing(token, '/optional/x'));
  const ours = target.mint();
  for (const round of ['new', 'kept']) {
    await target.refuses(
      t,
      `a rule for another issuer, ${round}`,
      bearing(ours, '/other/x'),
      'issuer_unknown',
    );
    await target.allows(t, `and one for all, ${round}`, bearing(ours));
  }
});
