import type { ConfigInput } from '../../src/config/schema.ts';

/**
 * What a gateway under attack is told, whichever it is (README.md has it in words): one issuer, one audience, RS256
 * and ES256 alone, and five kinds of path.
 */
export const policy = {
  audience: 'api://orders',
  algorithms: ['RS256', 'ES256'],
  rules: [
    { path: '/public/*', auth: 'none' },
    { path: '/optional/*', auth: 'optional' },
    { path: '/required/*' },
    { path: '/forbidden/*', scopes: ['nobody:has'] },
  ],
} as const satisfies { rules: ConfigInput['rules'] } & Record<string, unknown>;

/** The path prefixes of the policy, by what they ask for. */
export const areas = ['/public', '/optional', '/required', '/forbidden', '/unmatched'] as const;
