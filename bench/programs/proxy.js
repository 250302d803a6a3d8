// Fastify and its proxy as the manual has them; with VERIFY, every token verified by jose in a hook.
import httpProxy from '@fastify/http-proxy';
import { fastify } from 'fastify';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const { PORT, UPSTREAM, VERIFY, LOG, JWKS_URI, ISSUER, AUDIENCE } = process.env;
const app = fastify({ logger: LOG !== undefined });
const options = { upstream: UPSTREAM };
if (VERIFY) {
  const keys = createRemoteJWKSet(new URL(JWKS_URI));
  options.preHandler = async (request, reply) => {
    const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (!token) return reply.code(401).header('www-authenticate', 'Bearer').send({ error: 'token missing' });
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: ISSUER,
        audience: AUDIENCE,
        algorithms: ['RS256'],
      });
      request.headers['x-verified-subject'] = payload.sub;
      request.headers['x-verified-issuer'] = payload.iss;
      request.headers['x-verified-client-id'] = payload.client_id;
      request.headers['x-verified-scope'] = payload.scope;
    } catch {
      return reply
        .code(401)
        .header('www-authenticate', 'Bearer error="invalid_token"')
        .send({ error: 'token invalid' });
    }
  };
}
// A body goes through unread, as the proxy's manual says for what is no JSON.
app.register(httpProxy, options);
await app.listen({ port: Number(PORT), host: '127.0.0.1' });
