import type { Policy } from '../policy.ts';
import type { Peek } from '../token/verify.ts';

/** Keys at hand by a token's issuer: nothing is fetched. */
export function compilePeek({ keySets, config }: Pick<Policy, 'keySets' | 'config'>): Peek {
  return (issuer, algorithm, kid) => {
    const set = keySets[config.issuers.findIndex((each) => each.issuer === issuer)];
    return set?.peek(algorithm, kid) ?? { refused: 'keys_unavailable' };
  };
}
