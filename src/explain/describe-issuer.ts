import type { IssuerConfig } from '../config/schema.ts';
import type { Rule } from '../rules/compile.ts';
import type { UnverifiedToken } from '../token/read.ts';
import { forGraph, isForGraph } from './graph.ts';
import type { Finding } from './steps.ts';
import { list, show, withoutSlash } from './value.ts';

/** Why a token's issuer is not one of those accepted. */
export function describeIssuer(
  token: UnverifiedToken,
  issuers: readonly IssuerConfig[],
  rule: Rule,
): Finding {
  const { issuer } = token;
  const names = issuers.map((each) => each.issuer);
  const expected = list(rule.issuers ?? names);
  if (issuer === undefined)
    return { expected, got: 'missing', hint: 'a token must say with iss who made it' };
  return {
    expected,
    got: show(issuer),
    get hint() {
      return isForGraph(token) && !names.includes(issuer) ? forGraph : hintOf(issuer, names, rule);
    },
  };
}

function hintOf(issuer: string, names: readonly string[], rule: Rule): string {
  if (names.includes(issuer)) return `it is configured, but rule "${rule.label}" accepts others alone`;
  for (const name of names) {
    if (withoutMetadata(name) === withoutMetadata(issuer) && name.includes('/.well-known/')) {
      return 'the configured issuer is the address of its metadata; configure what the metadata has as "issuer"';
    }
    if (withoutSlash(name) === withoutSlash(issuer)) return 'issuer differs by a trailing slash';
    if (name.toLowerCase() === issuer.toLowerCase()) return 'issuer differs by case alone';
    if (withoutScheme(name) === withoutScheme(issuer)) {
      return schemeOf(issuer) === '' ? 'issuer differs by its scheme' : 'issuer differs by http and https';
    }
    if (isEntra(name) && isEntra(issuer)) {
      return 'Entra ID names itself sts.windows.net/… in version 1 tokens and login.microsoftonline.com/…/v2.0 in version 2 ones: set accessTokenAcceptedVersion of the API, or configure the one that comes';
    }
    if (isOkta(name) && isOkta(issuer)) {
      return 'Okta has an issuer for each authorization server (…/oauth2/default), and access tokens of the organization itself are for Okta alone: have the client ask the server that is configured';
    }
    if (hostOf(name) !== '' && pathOf(name) === pathOf(issuer) && pathOf(name).includes('/realms/')) {
      return 'the same realm under another host: Keycloak names itself as it was asked, unless its hostname is set; have clients and sidecar see one name';
    }
    if (hostOf(name) !== '' && hostOf(name) === hostOf(issuer)) {
      return `same host as ${show(name)}, another path: another tenant or realm?`;
    }
  }
  return 'no such issuer is configured';
}

function withoutMetadata(text: string): string {
  return withoutSlash(text.split('/.well-known/')[0] ?? '');
}

function withoutScheme(text: string): string {
  return text.replace(/^https?:\/\//, '');
}

function schemeOf(text: string): string {
  return /^https?:\/\//.exec(text)?.[0] ?? '';
}

function pathOf(text: string): string {
  return URL.canParse(text) ? new URL(text).pathname : '';
}

function isOkta(text: string): boolean {
  return /\.(okta|oktapreview|okta-emea)\.com$/.test(hostOf(text));
}

function hostOf(text: string): string {
  return URL.canParse(text) ? new URL(text).host : '';
}

function isEntra(text: string): boolean {
  return /^(sts\.windows\.net|login\.microsoftonline\.com)$/.test(hostOf(text));
}
