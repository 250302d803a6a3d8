import type { Checked, Finding } from './finding.ts';
import { parseUrl } from './formats.ts';
import { hasCredentials } from './hint-text.ts';
import type { Path } from './path.ts';
import type { IssuerConfig } from './schema.ts';

const wellKnown = /\/\.well-known\/(openid-configuration|oauth-authorization-server)(\/.*)?$/;
const keysAddress =
  /\/(\.well-known\/[\w.-]+|jwks(\.json)?|certs|discovery\/(v2\.0\/)?keys|oauth2?\/v1\/keys)\/?$/;
const endpoint =
  /\/(protocol\/openid-connect(\/\w+)?|(oauth2?|connect)\/(v\d(\.\d)?\/)?(token|authorize|auth))\/?$/;

/** Issuers that no token names: `iss` is compared character by character, and these are near what it holds. */
export function checkIssuerName({ issuer, discovery }: IssuerConfig, at: Path): Checked {
  const path = [...at, 'issuer'];
  if (hasCredentials(issuer)) {
    return fault({ path, message: 'must not hold a user or a password', hint: 'take the iss of a token' });
  }
  const url = parseUrl(issuer);
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    return checkScheme(issuer, discovery, path);
  if (/[?#]/.test(issuer)) {
    const finding = {
      path,
      message: 'has a query or a fragment, which an issuer does not have (RFC 8414 section 2)',
      hint: 'it would show in the log, in metrics and on the status page',
    };
    return discovery ? fault(finding) : warning(finding);
  }
  if (wellKnown.test(url.pathname)) {
    const path8414 = wellKnown.exec(url.pathname)?.[2] ?? '';
    const base = url.origin + url.pathname.replace(wellKnown, '') + path8414;
    const hint = `write ${endsInSlash(url) === true ? `${base.replace(/\/$/, '')}/` : base}`;
    return fault({ path, message: 'is the address of its metadata, not the issuer', hint });
  }
  if (keysAddress.test(url.pathname)) {
    const hint = 'take the iss of a token; the address of the keys belongs under jwksUri';
    return fault({ path, message: 'is the address of its keys, not the issuer', hint });
  }
  if (endpoint.test(url.pathname)) {
    const hint = `write ${url.origin}${url.pathname.replace(endpoint, '')} if that is the iss of its tokens`;
    return warning({ path, message: 'is the address of an endpoint, hardly the issuer', hint });
  }
  return checkEntra(url, path) ?? checkSlash(issuer, url, path);
}

function fault(finding: Finding): Checked {
  return { faults: [finding], warnings: [] };
}

function warning(finding: Finding): Checked {
  return { faults: [], warnings: [finding] };
}

const nothing: Checked = { faults: [], warnings: [] };

/** Without a scheme discovery is a fault already; Google is the one that was known by its name alone. */
function checkScheme(issuer: string, discovery: boolean, path: Path): Checked {
  const bare = /^[\w-]+(\.[\w-]+)+(:\d+)?(\/\S*)?$/.test(issuer);
  if (discovery || !bare || issuer === 'accounts.google.com') return nothing;
  return warning({
    path,
    message: 'has no scheme, which the iss of nearly every issuer has',
    hint: hintScheme(issuer),
  });
}

/** How an issuer without a scheme is usually written. */
export function hintScheme(issuer: string): string {
  const local = /^(localhost|127\.)/.test(issuer);
  return /^[\w.-]+(:\d+)?(\/\S*)?$/.test(issuer)
    ? `write ${local ? 'http' : 'https'}://${issuer}`
    : 'write it as its tokens do, such as https://idp.example.com';
}

const entraHosts = [
  'login.microsoftonline.com',
  'login.microsoftonline.us',
  'login.partner.microsoftonline.cn',
  'login.windows.net',
  'login.microsoft.com',
  'sts.windows.net',
];
const guid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
/** The tenant of personal Microsoft accounts. */
const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad';

/** Microsoft Entra ID, whose tokens are of one of two versions with an issuer each. Null: it is none of its issuers. */
function checkEntra(url: URL, path: Path): Checked | null {
  if (!entraHosts.includes(url.hostname)) return null;
  const [tenant = '', version = ''] = decodeURIComponent(url.pathname).split('/').filter(Boolean);
  const host = ['login.windows.net', 'login.microsoft.com', 'sts.windows.net'].includes(url.hostname)
    ? 'login.microsoftonline.com'
    : url.hostname;
  if (!guid.test(tenant)) {
    const each = tenant === 'consumers' ? consumers : '<tenant id>';
    return fault({
      path,
      message: `names ${/^[\w-]+\.[\w.-]+$/.test(tenant) ? 'the tenant by its domain' : 'no tenant'}, but the iss of every token holds the id of its tenant`,
      hint: `list an issuer for each tenant that you trust: https://${host}/${each}/v2.0`,
    });
  }
  const v1 = `https://sts.windows.net/${tenant}/`;
  const v2 = `https://${host}/${tenant}/v2.0`;
  const written = url.origin + url.pathname;
  if (written === v2 || (url.hostname === 'sts.windows.net' && written === v1)) return nothing;
  const ofVersion1 = url.hostname === 'sts.windows.net' && version === '';
  const hint = ofVersion1
    ? `write ${v1}`
    : `write ${v2} for tokens of version 2, or ${v1} for version 1 (its ver claim says which)`;
  return warning({ path, message: 'is the iss of no token of Entra ID', hint });
}

const slashes: readonly { readonly host: RegExp; readonly pathname?: RegExp; readonly slash: boolean }[] = [
  { host: /\.auth0\.com$/, slash: true },
  { host: /\.b2clogin\.com$/, slash: true },
  { host: /\.okta(preview|-emea)?\.com$/, slash: false },
  { host: /^(accounts|securetoken)\.google\.com$/, slash: false },
  { host: /^cognito-idp\.[\w-]+\.amazonaws\.com(\.cn)?$/, slash: false },
  { host: /^oidc\.eks\.[\w-]+\.amazonaws\.com(\.cn)?$/, slash: false },
  { host: /^token\.actions\.githubusercontent\.com$/, slash: false },
  { host: /^(gitlab\.com|appleid\.apple\.com|login\.salesforce\.com)$/, slash: false },
  { host: /./, pathname: /^(\/auth)?\/realms\/[^/]+\/?$/, slash: false },
];

/** Whether the issuers of a known kind end in a slash; undefined where the kind is not known. */
function endsInSlash(url: URL): boolean | undefined {
  return slashes.find(
    ({ host, pathname }) =>
      host.test(url.hostname) && (pathname === undefined || pathname.test(url.pathname)),
  )?.slash;
}

function checkSlash(issuer: string, url: URL, path: Path): Checked {
  const slash = endsInSlash(url);
  // The text decides: a URL without a path is one with "/".
  if (slash === undefined || slash === issuer.trim().endsWith('/')) return nothing;
  const base = (url.origin + url.pathname).replace(/\/+$/, '');
  return warning({
    path,
    message: slash
      ? 'does not end in "/", which the iss of this issuer does'
      : 'ends in "/", which the iss of this issuer does not',
    hint: `write ${base}${slash ? '/' : ''}`,
  });
}
