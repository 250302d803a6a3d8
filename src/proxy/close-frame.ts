import { randomBytes } from 'node:crypto';

/**
 * A close frame, RFC 6455 section 5.5.1.
 *
 * @param reason - ASCII, at most 123 bytes
 * @param masked - as whoever acts as the client must (section 5.3)
 */
export function closeFrame(code: number, reason: string, masked: boolean): Buffer {
  const payload = Buffer.alloc(2 + reason.length);
  payload.writeUInt16BE(code);
  payload.write(reason, 2, 'latin1');
  const head = Buffer.from([0x88, payload.length | (masked ? 0x80 : 0)]);
  if (!masked) return Buffer.concat([head, payload]);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, payload.map((byte, index) => byte ^ (mask[index % 4] as number))]);
}
