import { normalizeName } from '../identity/names.ts';
import type { Checked, Finding } from './finding.ts';
import type { Config } from './schema.ts';

/** Names that are those of claims, and of no header that somebody would choose. */
const claims: ReadonlySet<string> = new Set(
  'sub iss aud azp client_id email name preferred_username scope scp groups roles tid oid upn'.split(' '),
);

/** Where tokens are found and what upstreams learn of them. */
export function checkAccess({ identity, token, upstream, upstreams }: Config): Checked {
  const faults: Finding[] = [];
  const warnings: Finding[] = [];
  const { sources } = token;
  for (const [index, source] of sources.entries()) {
    const name = 'name' in source ? source.name.toLowerCase() : '';
    if (source.type === 'header' && name === 'authorization') {
      faults.push({ path: ['token', 'sources', index], message: 'is what { type: bearer } is for' });
    }
    const first = sources.findIndex(
      (other) => other.type === source.type && ('name' in other ? other.name.toLowerCase() : '') === name,
    );
    if (first < index) faults.push({ path: ['token', 'sources', index], message: 'stands there twice' });
  }
  const names = [
    ...Object.keys(identity.headers),
    ...(identity.payloadHeader === null ? [] : [identity.payloadHeader]),
  ];
  for (const [index, name] of names.entries()) {
    const path =
      index < Object.keys(identity.headers).length
        ? ['identity', 'headers', name]
        : ['identity', 'payloadHeader'];
    if (names.findIndex((other) => normalizeName(other) === normalizeName(name)) < index) {
      faults.push({
        path,
        message: 'is the name of another identity header too, as an upstream reads names',
      });
    }
    if (/^(x-forwarded-.*|forwarded|x-real-ip|x-request-id|cookie)$/i.test(name)) {
      faults.push({ path, message: 'is a header that the gateway sets itself' });
    }
    if (normalizeName(name) === 'authorization') {
      faults.push({
        path,
        message: 'is the header of the token itself',
        hint: 'take another name, such as X-Verified-Subject; a fixed Authorization belongs under upstream.setHeaders',
      });
    }
    const claim = Object.hasOwn(identity.headers, name) ? identity.headers[name] : undefined;
    if (claim !== undefined && claims.has(name) && /^x-[\w-]+$/i.test(claim)) {
      faults.push({
        path,
        message: 'is a claim, and its value a header: the header comes first',
        hint: `write ${claim}: ${name}`,
        atKey: true,
      });
    }
  }
  const set = [upstream, ...Object.values(upstreams)].flatMap(({ setHeaders }) => Object.keys(setHeaders));
  const taken = new Set(names.map(normalizeName));
  for (const name of set.filter((each) => taken.has(normalizeName(each)))) {
    faults.push({ path: ['identity', 'headers', name], message: 'is set by setHeaders too' });
  }
  if (identity.forwardToken) {
    warnings.push({
      path: ['identity', 'forwardToken'],
      message: 'the upstream can use the token as its owner does',
    });
  }
  return { faults, warnings };
}
