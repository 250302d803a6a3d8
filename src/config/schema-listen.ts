import {
  choice,
  duration,
  file,
  flag,
  integer,
  list,
  type OutputOf,
  required,
  section,
  size,
  switched,
  text,
} from './fields.ts';

/** Node keeps this many at hand; what a client sends beyond them is not looked at, and refused. */
export const mostHeaders = 1000;

const port = { minimum: 0, maximum: 65535 };

export const listen = section(
  {
    host: text(null, 'Address to listen on. null: all addresses, IPv6 and IPv4.'),
    port: integer(8080, 'TCP port of the traffic. 0 takes any free one.', port),
    trustedProxies: list(
      text(required, 'A proxy or a network of them.', {
        format: 'cidr',
        expects: 'an address or a CIDR such as 10.0.0.0/8',
      }),
      [],
      'CIDRs of the proxies in front whose `X-Forwarded-*` and `X-Request-Id` are believed.',
    ),
    headersTimeout: duration('10s', 'How long the headers of a request may take to arrive.'),
    requestTimeout: duration('5m', 'How long a whole request may take to arrive, body included.'),
    keepAliveTimeout: duration('75s', 'How long an idle connection of a client is kept.'),
    maxHeaderSize: size('32KiB', 'Largest request head: all header lines together.'),
    maxHeaders: integer(
      100,
      'Most header lines of a request. Kestrel and Tomcat refuse more than 100, and some servers leave lines out; what the gateway adds comes before the lines of the client.',
      { minimum: 1, maximum: mostHeaders },
    ),
    maxBodySize: size(null, 'Largest request body. null: unlimited; bodies stream, they are never held.'),
    maxConnections: integer(null, 'Most client connections at a time. null: unlimited.', {
      minimum: 1,
      maximum: 10_000_000,
    }),
    tls: switched(
      {
        certFile: file(required, 'PEM file of the certificate and its chain.'),
        keyFile: file(required, 'PEM file of the private key.'),
        clientCaFile: file(null, 'PEM file of the authorities whose client certificates are accepted.'),
        clientCertificates: choice(
          ['none', 'optional', 'required'],
          'none',
          'Whether clients are asked for a certificate; anything but `none` needs `clientCaFile`.',
        ),
      },
      null,
      'TLS 1.2 or later on the traffic port. The files are read at start and whenever they change. null: plain HTTP.',
    ),
  },
  'The port that clients talk to.',
);

export const admin = section(
  {
    host: text(null, 'Address to listen on. null: all addresses.'),
    port: integer(9090, 'TCP port of health, metrics and status. 0 takes any free one.', port),
    tokenFile: file(
      null,
      'File with the bearer token of the status page, explain and the list of blocked clients, at least 32 bytes. null: status and explain answer on loopback alone, the list not at all.',
    ),
    tokenRequired: flag(
      false,
      'Whether the status page and explain ask for the token from loopback too. Needs `tokenFile`.',
    ),
  },
  'The port that operators talk to.',
);

export const drain = section(
  {
    delay: duration('5s', 'After SIGTERM: how long requests are served as ever, so that balancers notice.', {
      least: 0,
    }),
    timeout: duration('20s', 'After SIGTERM: when what is still open is cut. Longer than `delay`.'),
  },
  'The way out. Both times begin at SIGTERM.',
);

export const log = section(
  {
    level: choice(
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      'info',
      'Least level of a line that is written.',
    ),
    subject: choice(
      ['plain', 'hash', 'none'],
      'hash',
      "How the token's `sub` is written: as it is, hashed with a key of this process, or not at all.",
    ),
    requests: choice(['all', 'denied', 'none'], 'all', 'Which requests get a line.'),
    sample: integer(
      1,
      'One in how many requests that were allowed and answered by the upstream gets a line. It says so as `sampled`. All others are logged as `requests` says.',
      { minimum: 1, maximum: 1_000_000 },
    ),
  },
  'JSON lines on standard output.',
);

export type ListenConfig = OutputOf<typeof listen>;
export type ListenTlsConfig = NonNullable<ListenConfig['tls']>;
export type AdminConfig = OutputOf<typeof admin>;
export type DrainConfig = OutputOf<typeof drain>;
export type LogConfig = OutputOf<typeof log>;
