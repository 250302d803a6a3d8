// The cheapest refusal that Node can send: no router, no token looked at.
import { createServer } from 'node:http';

const body = JSON.stringify({
  type: 'about:blank',
  title: 'Unauthorized',
  status: 401,
  detail: 'A bearer token is needed to use this service.',
});
createServer((_request, response) => {
  response
    .writeHead(401, {
      'content-type': 'application/problem+json',
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'www-authenticate': 'Bearer realm="api"',
    })
    .end(body);
}).listen(Number(process.env.PORT), '127.0.0.1');
