import t from 'tap';
import { errors } from 'undici';
import { isClosed, upstreamReason } from '../../src/proxy/upstream-error.ts';

const coded = (code: unknown) => Object.assign(new Error('127.0.0.1'), { code });

const cases = [
  { error: coded('ECONNREFUSED'), reason: 'upstream_unreachable', closed: false },
  { error: coded('ENOTFOUND'), reason: 'upstream_unreachable', closed: false },
  { error: coded('ECONNRESET'), reason: 'upstream_unreachable', closed: true },
  { error: coded('EPIPE'), reason: 'upstream_unreachable', closed: true },
  { error: coded('DEPTH_ZERO_SELF_SIGNED_CERT'), reason: 'upstream_unreachable', closed: false },
  { error: coded('ETIMEDOUT'), reason: 'upstream_timeout', closed: false },
  { error: coded(undefined), reason: 'upstream_unreachable', closed: false },
  { error: new errors.SocketError('closed'), reason: 'upstream_unreachable', closed: true },
  { error: new errors.ClientDestroyedError(), reason: 'upstream_unreachable', closed: false },
  { error: new errors.ConnectTimeoutError(), reason: 'upstream_timeout', closed: false },
  { error: new errors.HeadersTimeoutError(), reason: 'upstream_timeout', closed: false },
  { error: new errors.BodyTimeoutError(), reason: 'upstream_timeout', closed: false },
  { error: new errors.HeadersOverflowError(), reason: 'upstream_protocol', closed: false },
  { error: new errors.ResponseContentLengthMismatchError(), reason: 'upstream_protocol', closed: false },
  {
    error: coded('HPE_INVALID_CONSTANT'),
    reason: 'upstream_protocol',
    closed: false,
  },
  { error: new errors.InvalidArgumentError(), reason: 'request_malformed', closed: false },
];
for (const { error, reason, closed } of cases) {
  t.test(`${error.constructor.name} ${(error as { code?: string }).code}`, async (t) => {
    t.equal(upstreamReason(error), reason);
    t.equal(isClosed(error), closed);
  });
}
