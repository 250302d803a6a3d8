/** RFC 9864 section 2.2 gives the signature that RFC 8037 calls EdDSA, made with an Ed25519 key, a name of its own. */
const twins: Readonly<Record<string, string>> = { EdDSA: 'Ed25519', Ed25519: 'EdDSA' };

/** JWS algorithms together with their other names, so that a token or a key may use either one. */
export function withOtherNames(algorithms: readonly string[]): readonly string[] {
  return [
    ...new Set(
      algorithms.flatMap((name) => (Object.hasOwn(twins, name) ? [name, twins[name] as string] : [name])),
    ),
  ];
}
