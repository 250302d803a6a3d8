import t from 'tap';
import { compileSameOrigin, type OriginEvidence } from '../../src/token/origin.ts';

const post: OriginEvidence = {
  method: 'POST',
  upgrade: false,
  secFetchSite: undefined,
  origin: undefined,
  ownOrigin: 'https://app.example.com',
};
const evil = 'https://evil.example';

const cases: { name: string; request: Partial<OriginEvidence>; allowed?: string[]; same: boolean }[] = [
  { name: 'GET without evidence', request: { method: 'GET' }, same: true },
  { name: 'HEAD without evidence', request: { method: 'HEAD' }, same: true },
  { name: 'OPTIONS without evidence', request: { method: 'OPTIONS' }, same: true },
  { name: 'GET across sites', request: { method: 'GET', secFetchSite: 'cross-site' }, same: true },
  { name: 'POST without evidence', request: {}, same: false },
  { name: 'PUT without evidence', request: { method: 'PUT' }, same: false },
  { name: 'DELETE without evidence', request: { method: 'DELETE' }, same: false },
  { name: 'a method that nobody knows', request: { method: 'FOO' }, same: false },
  { name: 'get in small letters, which is another method', request: { method: 'get' }, same: false },
  { name: 'an upgrade without evidence', request: { method: 'GET', upgrade: true }, same: false },
  { name: 'an upgrade from elsewhere', request: { method: 'GET', upgrade: true, origin: evil }, same: false },
  {
    name: 'an upgrade from the own origin',
    request: { method: 'GET', upgrade: true, origin: 'https://app.example.com' },
    same: true,
  },
  { name: 'Sec-Fetch-Site same-origin', request: { secFetchSite: 'same-origin' }, same: true },
  { name: 'Sec-Fetch-Site none', request: { secFetchSite: 'none' }, same: true },
  { name: 'Sec-Fetch-Site same-site', request: { secFetchSite: 'same-site' }, same: false },
  { name: 'Sec-Fetch-Site cross-site', request: { secFetchSite: 'cross-site' }, same: false },
  { name: 'Sec-Fetch-Site empty', request: { secFetchSite: '' }, same: false },
  { name: 'Sec-Fetch-Site twice', request: { secFetchSite: 'same-origin, same-origin' }, same: false },
  { name: 'Sec-Fetch-Site in capitals', request: { secFetchSite: 'SAME-ORIGIN' }, same: false },
  {
    name: 'Sec-Fetch-Site against an Origin that is the own',
    request: { secFetchSite: 'cross-site', origin: 'https://app.example.com' },
    same: false,
  },
  {
    name: 'Sec-Fetch-Site of a value that nobody knows, and the own Origin',
    request: { secFetchSite: 'x', origin: 'https://app.example.com' },
    same: false,
  },
  { name: 'the own Origin', request: { origin: 'https://app.example.com' }, same: true },
  { name: 'the own Origin in capitals', request: { origin: 'HTTPS://APP.example.COM' }, same: true },
  { name: 'the own Origin with its port', request: { origin: 'https://app.example.com:443' }, same: true },
  {
    name: 'the own Origin, ours with its port',
    request: { origin: 'http://app.example.com', ownOrigin: 'http://App.example.com:80' },
    same: true,
  },
  {
    name: 'the own Origin with a port of its own',
    request: { origin: 'http://localhost:8080', ownOrigin: 'http://localhost:8080' },
    same: true,
  },
  {
    name: 'an IPv6 Origin',
    request: { origin: 'http://[::1]:8080', ownOrigin: 'http://[::1]:8080' },
    same: true,
  },
  { name: 'another scheme', request: { origin: 'http://app.example.com' }, same: false },
  { name: 'another port', request: { origin: 'https://app.example.com:8443' }, same: false },
  {
    name: "the other scheme's port",
    request: { origin: 'https://app.example.com:80' },
    same: false,
  },
  { name: 'another host', request: { origin: evil }, same: false },
  { name: 'a host that begins so', request: { origin: 'https://app.example.com.evil.example' }, same: false },
  { name: 'a host that ends so', request: { origin: 'https://evil-app.example.com' }, same: false },
  { name: 'a user that looks so', request: { origin: 'https://app.example.com@evil.example' }, same: false },
  {
    name: 'a host before which a user stands',
    request: { origin: 'https://evil@app.example.com' },
    same: false,
  },
  { name: 'the Origin null', request: { origin: 'null' }, same: false },
  {
    name: 'the Origin null, and ours unreadable',
    request: { origin: 'null', ownOrigin: 'null' },
    same: false,
  },
  { name: 'an empty Origin, and ours too', request: { origin: '', ownOrigin: '' }, same: false },
  { name: 'no Origin, and ours without a host', request: { ownOrigin: 'https://' }, same: false },
  { name: 'an Origin with a path', request: { origin: 'https://app.example.com/' }, same: false },
  {
    name: 'two Origins',
    request: { origin: 'https://app.example.com, https://app.example.com' },
    same: false,
  },
  { name: 'two Origins and a space', request: { origin: `https://app.example.com ${evil}` }, same: false },
  {
    name: 'an allowed Origin',
    request: { origin: 'https://shop.example' },
    allowed: ['https://shop.example'],
    same: true,
  },
  {
    name: 'an allowed Origin across sites',
    request: { origin: 'https://shop.example', secFetchSite: 'cross-site' },
    allowed: ['https://Shop.example:443'],
    same: true,
  },
  {
    name: 'an Origin that is not the allowed one',
    request: { origin: evil },
    allowed: ['https://shop.example'],
    same: false,
  },
  { name: 'no Origin, though some are allowed', request: {}, allowed: ['https://shop.example'], same: false },
  { name: 'null, though it is listed', request: { origin: 'null' }, allowed: ['null'], same: false },
  { name: 'no Origin, though what is listed is none', request: {}, allowed: ['*', ''], same: false },
];

for (const { name, request, allowed, same } of cases) {
  t.test(`${name}: ${same ? 'passes' : 'is refused'}`, async (t) => {
    t.equal(compileSameOrigin(allowed ?? [])({ ...post, ...request }), same);
  });
}
