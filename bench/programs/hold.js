// A client that opens many requests and lets each of them wait for it, and comes back where it is cut off.
import { connect } from 'node:net';

const { PORT, KIND, ADDRESS, SOCKETS } = process.env;
const head = (start, ...lines) => [start, 'Host: bench', ...lines, '', ''].join('\r\n');
const kinds = {
  'short body': () => ({ bytes: `${head('GET /healthz HTTP/1.1', 'Content-Length: 2')}x` }),
  'long body': () => ({ bytes: `${head('POST /x HTTP/1.1', 'Content-Length: 1000000')}x` }),
  'chunked body': () => ({ bytes: `${head('POST /x HTTP/1.1', 'Transfer-Encoding: chunked')}1\r\nx\r\n` }),
  'trickled body': () => ({
    bytes: head('POST /x HTTP/1.1', 'Content-Length: 1000000'),
    more: { bytes: 'x'.repeat(300), every: 1000 },
  }),
  'unread answer': () => ({ bytes: head('GET /100m HTTP/1.1') }),
};

let opened = 0;
function open() {
  opened++;
  const { bytes, more } = kinds[KIND]();
  const socket = connect({ port: Number(PORT), host: '127.0.0.1', localAddress: ADDRESS });
  if (KIND === 'unread answer') socket.pause();
  else socket.resume();
  socket.write(bytes);
  const timer = setInterval(() => socket.write(more?.bytes ?? ''), more?.every ?? 60_000);
  socket.on('error', () => {});
  socket.on('close', () => {
    clearInterval(timer);
    setTimeout(open, 1);
  });
  // A paused socket does not notice its end, save by writing.
  if (KIND === 'unread answer') setInterval(() => socket.write('\r\n'), 500).unref();
}
for (let i = 0; i < Number(SOCKETS); i++) open();
process.on('SIGTERM', () => {
  process.stdout.write(`${opened}\n`, () => process.exit(0));
});
