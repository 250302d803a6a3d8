// The service behind every candidate: answers by path, and reads whatever it is sent.
import { createServer } from 'node:http';

const bodies = new Map(
  [
    ['/1k', 1024],
    ['/100k', 100 * 1024],
    ['/10m', 10 * 1024 * 1024],
    ['/100m', 100 * 1024 * 1024],
  ].map(([path, size]) => [path, Buffer.alloc(size, 'x')]),
);
const ok = Buffer.from('{"ok":true}');

createServer((request, response) => {
  const body = bodies.get(request.url.split('?')[0]) ?? ok;
  const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': body.length };
  const send = () => response.writeHead(200, headers).end(body);
  if (request.method === 'GET') send();
  else request.on('end', send).resume();
}).listen(Number(process.env.PORT), '127.0.0.1');
