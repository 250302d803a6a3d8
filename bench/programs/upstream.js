// The service behind every candidate: answers by path, and reads whatever it is sent.
import { createServer } from 'node:http';

const bodies = new Map(
  [
    ['/1k', 1024],
    ['/100k', 100 * 1024],
    ['/10m', 10 * 1024 * 1024],
  ].map(([path, size]) => [path, Buffer.alloc(size, 'x')]),
);
const ok = Buffer.from('{"ok":true}');

createServer((request, response) => {
  const [path] = request.url.split('?');
  // More than the system holds for a client that reads nothing.
  const times = path === '/100m' ? 10 : 1;
  const body = bodies.get(times > 1 ? '/10m' : path) ?? ok;
  const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': times * body.length };
  const send = () => {
    response.writeHead(200, headers);
    for (let sent = 1; sent < times; sent++) response.write(body);
    response.end(body);
  };
  if (request.method === 'GET') send();
  else request.on('end', send).resume();
}).listen(Number(process.env.PORT), '127.0.0.1');
