import { completeConfig } from './config/complete.ts';
import type { ConfigInput } from './config/schema.ts';
import { createServer, type Server, type ServerOptions } from './server.ts';

export type { Readiness } from './admin.ts';
export type { Fault } from './config/fault.ts';
export { ConfigError } from './config/fault.ts';
export type { Config, ConfigInput } from './config/schema.ts';
export { type Reason, type ReasonText, reasons } from './errors.ts';
export type { ServerOptions as GatewayOptions } from './server.ts';
export type { Status } from './status.ts';

/** Both ports of one gateway. */
export interface Gateway extends Omit<Server, 'reload'> {
  /**
   * Puts another config in force, whole or not at all: requests under way end under the one they began with.
   *
   * @returns the settings that wait for a restart
   * @throws {ConfigError} with every fault of the config; an Error where a file or an issuer's keys cannot be had
   */
  reload(input: ConfigInput): ReturnType<Server['reload']>;
}

/**
 * A gateway from a config object of the same form as the config file: the traffic port and the admin port, not
 * listening until `start()`.
 *
 * @throws {ConfigError} with every fault of the config, each with its path.
 */
export function createGateway(input: ConfigInput, options: ServerOptions = {}): Gateway {
  const server = createServer(completeConfig(input).config, options);
  return { ...server, reload: (next) => server.reload(() => completeConfig(next)) };
}
