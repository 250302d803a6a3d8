export type { Readiness } from './admin.ts';
export type { Fault } from './config/fault.ts';
export { ConfigError } from './config/fault.ts';
export type { Config, ConfigInput } from './config/schema.ts';
export {
  createGateway,
  type Gateway,
  type GatewayOptions,
  type LogDestination,
  type Reloaded,
} from './create-gateway.ts';
export { type Reason, type ReasonText, reasons } from './errors.ts';
export type { ExplainInput, Explanation } from './explain/explain.ts';
export type { ExplainedCheck } from './explain/steps.ts';
export { GatewayError, type GatewayErrorCode } from './gateway-error.ts';
export type { Drained, Ports } from './server.ts';
export type { Status } from './status.ts';
