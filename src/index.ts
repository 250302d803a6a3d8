import { completeConfig } from './config/complete.ts';
import type { ConfigInput } from './config/schema.ts';
import { createServer, type Server, type ServerOptions } from './server.ts';

export type { Readiness } from './admin.ts';
export type { Fault } from './config/fault.ts';
export { ConfigError } from './config/fault.ts';
export type { Config, ConfigInput } from './config/schema.ts';
export { type Reason, type ReasonText, reasons } from './errors.ts';
export type { Server as Gateway, ServerOptions as GatewayOptions } from './server.ts';

/**
 * A gateway from a config object of the same form as the config file: the traffic port and the admin port, not
 * listening until `start()`.
 *
 * @throws {ConfigError} with every fault of the config, each with its path.
 */
export function createGateway(input: ConfigInput, options: ServerOptions = {}): Server {
  return createServer(completeConfig(input).config, options);
}
