import type { CheckName } from './steps.ts';

/** What each check asks, as a person reads it. */
export const labels: Readonly<Record<CheckName, string>> = {
  method: 'the method is served',
  path: 'the path has one reading',
  rule: 'a rule decides',
  token: 'there is a token, where one is needed',
  form: 'it is a JWT',
  algorithm: 'its algorithm is accepted',
  header: 'its header is supported',
  type: 'it is of an accepted type',
  issuer: 'its issuer is accepted',
  key: 'its key is published by the issuer',
  signature: 'its signature holds',
  claim_types: 'its claims have their types',
  expiry: 'it has not expired',
  not_before: 'it is valid already',
  lifetime: 'it does not live too long',
  audience: 'it is for this audience',
  required_claims: 'it has the required claims',
  issuer_claims: 'its claims match those of the issuer',
  purpose: 'it is for access',
  binding: 'it is bound to no key',
  scopes: 'it grants the scopes of the rule',
  rule_claims: 'its claims match those of the rule',
  any_of: 'one of the alternatives of the rule holds',
};
