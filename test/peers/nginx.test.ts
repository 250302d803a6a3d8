import { createHash, randomBytes } from 'node:crypto';
import t from 'tap';
import { startGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { findPeer, freePort } from './peer.ts';
import { startNginx } from './start-nginx.ts';

const nginx = findPeer('nginx', 'nginx');

t.test('in front of nginx', { skip: nginx.skip }, async (t) => {
  const content = randomBytes(3 * 1024 * 1024);
  const port = await freePort();
  const root = t.testdir({ www: { orders: { 'big.bin': content, 'a b.txt': 'spaced' } } });
  await startNginx(t, {
    path: nginx.path as string,
    root,
    port,
    http: `
      access_log off; gzip on; gzip_min_length 1; gzip_types *;
      server {
        listen 127.0.0.1:${port}; root ${root}/www; keepalive_requests 2;
        location = /seen { return 200 "$request_uri|$http_x_verified_subject|$http_authorization|$http_x_forwarded_for"; }
      }`,
  });

  const issuer = await startFakeIssuer(t);
  const gateway = await startGateway(t, {
    upstream: `http://127.0.0.1:${port}`,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
  });
  const token = issuer.mint();
  const seen = await gateway.get('/seen?a=%2f', token, {
    'X-Verified-Subject': 'root',
    'X-Forwarded-For': '1.2.3.4',
  });
  t.equal(seen.text, '/seen?a=%2f|subject||127.0.0.1');
  // nginx closes each connection after two requests: none may be lost over it.
  for (let i = 0; i < 20; i++) t.equal((await gateway.get('/seen', token)).status, 200);

  const whole = await gateway.get('/orders/big.bin', token);
  t.equal(
    createHash('sha256').update(whole.body).digest('hex'),
    createHash('sha256').update(content).digest('hex'),
  );
  const range = await gateway.get('/orders/big.bin', token, { range: 'bytes=100-199' });
  t.equal(range.status, 206);
  t.ok(range.body.equals(content.subarray(100, 200)));
  const zipped = await gateway.get('/orders/a%20b.txt', token, { 'accept-encoding': 'gzip' });
  t.equal(zipped.header('content-encoding'), 'gzip', 'as nginx sent it');
  t.equal(
    (
      await gateway.request({
        method: 'HEAD',
        path: '/orders/big.bin',
        headers: { authorization: `Bearer ${token}` },
      })
    ).header('content-length'),
    String(content.length),
  );
  const etag = whole.header('etag') as string;
  t.equal((await gateway.get('/orders/big.bin', token, { 'if-none-match': etag })).status, 304);
  t.equal((await gateway.get('/nothing', token)).status, 404, 'nginx’s own');
  t.equal((await gateway.get('/orders/%2e%2e/seen', token)).json().code, 'path_ambiguous');
});
