// What Node itself can do: node:http in front, undici's dispatch behind, the least that a proxy must do between them.
import { createServer } from 'node:http';
import { Pool } from 'undici';

const pool = new Pool(process.env.UPSTREAM, { connections: 256 });
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'expect',
  'te',
  'upgrade',
  'trailer',
]);

createServer((request, response) => {
  const { method, url, rawHeaders } = request;
  const headers = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!hopByHop.has(rawHeaders[i].toLowerCase())) headers.push(rawHeaders[i], rawHeaders[i + 1]);
  }
  const body = method === 'GET' || method === 'HEAD' ? null : request;
  pool.dispatch(
    { path: url, method, headers, body },
    {
      onRequestStart() {},
      onResponseStart(controller, status, _headers, message) {
        const raw = controller.rawHeaders;
        const flat = [];
        for (let i = 0; i < raw.length; i += 2) {
          const name = raw[i].toString('latin1');
          if (!hopByHop.has(name.toLowerCase())) flat.push(name, raw[i + 1].toString('latin1'));
        }
        response.writeHead(status, message, flat);
      },
      onResponseData(controller, chunk) {
        // What a client that has gone did not take must not hold the connection.
        if (response.destroyed || response.write(chunk)) return;
        controller.pause();
        const resume = () => controller.resume();
        response.once('drain', resume).once('close', resume);
      },
      onResponseEnd() {
        response.end();
      },
      onResponseError() {
        if (response.headersSent) response.destroy();
        else response.writeHead(502).end();
      },
    },
  );
}).listen(Number(process.env.PORT), '127.0.0.1');
