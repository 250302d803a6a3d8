import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { Pool } from 'undici';
import { startOurs } from './candidates.ts';
import type { Container } from './container.ts';

const issuer = 'https://idp.example.com';
const audience = 'api://orders';
const tokens = 200_000;
const addresses = 1_000_000;
const connections = 32;

export interface MemoryFigures {
  /** Resident MiB: when ready, after the tokens, after the addresses, and the most that it was. */
  readonly ready: number;
  readonly afterTokens: number;
  readonly afterAddresses: number;
  readonly peak: number;
  /** Milliseconds from the start of the process until /readyz said so, with keys in the config. */
  readonly readyAfter: number;
}

/**
 * How much memory it has after many distinct good tokens, and then as many forged ones from distinct clients; in a
 * container, or with all the memory of the machine.
 */
export async function measureMemory(upstream: string, container?: Container): Promise<MemoryFigures> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256' }] };
  const config = {
    upstream,
    // So that each request can say whom it comes from.
    listen: { trustedProxies: ['127.0.0.1/32'] },
    issuers: [{ issuer, audience, algorithms: ['ES256'], jwks }],
  };
  const sidecar = await startOurs(process.execPath, config, undefined, container?.enter);
  const ready = sidecar.resident();
  const pool = new Pool(sidecar.url, { connections });
  try {
    await repeat(tokens, async () => {
      const status = await send(pool, { authorization: `Bearer ${mint(privateKey)}` });
      if (status !== 200) throw new Error(`a good token: ${status}`);
    });
    const afterTokens = sidecar.resident();
    const forged = `${mint(privateKey).slice(0, -20)}${'A'.repeat(20)}`;
    await repeat(addresses, async (turn) => {
      const client = `10.${(turn >> 16) & 255}.${(turn >> 8) & 255}.${turn & 255}`;
      const status = await send(pool, { authorization: `Bearer ${forged}`, 'x-forwarded-for': client });
      if (status !== 401) throw new Error(`a forged token: ${status}`);
    });
    const { readyAfter } = sidecar;
    return { ready, afterTokens, afterAddresses: sidecar.resident(), peak: sidecar.peak(), readyAfter };
  } finally {
    await pool.destroy();
    await sidecar.stop();
  }
}

async function send(pool: Pool, headers: Record<string, string>): Promise<number> {
  const { statusCode, body } = await pool.request({ method: 'GET', path: '/1k', headers });
  await body.dump();
  return statusCode;
}

async function repeat(times: number, run: (turn: number) => Promise<void>): Promise<void> {
  let turn = 0;
  const worker = async () => {
    while (turn < times) await run(turn++);
  };
  await Promise.all(Array.from({ length: connections }, worker));
}

function mint(key: KeyObject): string {
  const iat = Math.floor(Date.now() / 1000);
  const payload = { iss: issuer, aud: audience, sub: 'alice', scope: 'orders:read', jti: randomUUID(), iat };
  const input = [
    { alg: 'ES256', kid: 'bench' },
    { ...payload, exp: iat + 3600 },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}
