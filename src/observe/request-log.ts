import { type DestinationStream, pino } from 'pino';
import { compileTime, type Logger } from './logger.ts';

/** What a request's line says, in this order; what is undefined is left out. */
export interface RequestLine {
  readonly requestId: string;
  readonly client: string;
  readonly method?: string | undefined;
  readonly path?: string | undefined;
  readonly rule: string;
  readonly status: number;
  readonly decision: string | undefined;
  readonly reason: string | undefined;
  readonly issuer: string | undefined;
  readonly sub?: string | undefined;
  readonly kid?: string | undefined;
  readonly token?: string | undefined;
  readonly cached?: boolean;
  readonly durationMs?: number;
  readonly upstreamMs?: number | undefined;
  readonly bytes?: number;
  /** How many requests the line stands for, itself included. */
  readonly sampled?: number | undefined;
}

/** Where a pino logger writes to. */
interface Output {
  readonly [pino.symbols.streamSym]: DestinationStream;
}

/**
 * Compiles the one line that every request has. It is what pino would write of the same values, put together without
 * looking for what may be in them: at thousands a second that is a tenth of all work.
 */
export function compileRequestLog(logger: Logger): (line: RequestLine) => void {
  const { [pino.symbols.streamSym]: output } = logger as Logger & Output;
  const time = compileTime();
  return (line) => {
    if (logger.isLevelEnabled('info')) output.write(format(line, time()));
  };
}

function format(line: RequestLine, time: string): string {
  return (
    `{"level":"info"${time},"msg":"request","requestId":${quote(line.requestId)},"client":${quote(line.client)}` +
    `${text(',"method":', line.method)}${text(',"path":', line.path)},"rule":${quote(line.rule)},"status":${line.status}` +
    `${text(',"decision":', line.decision)}${text(',"reason":', line.reason)}${text(',"issuer":', line.issuer)}` +
    `${text(',"sub":', line.sub)}${text(',"kid":', line.kid)}${text(',"token":', line.token)}` +
    `${plain(',"cached":', line.cached)}${plain(',"durationMs":', line.durationMs)}` +
    `${plain(',"upstreamMs":', line.upstreamMs)}${plain(',"bytes":', line.bytes)}` +
    `${plain(',"sampled":', line.sampled)}}\n`
  );
}

function text(name: string, value: string | undefined): string {
  return value === undefined ? '' : name + quote(value);
}

function plain(name: string, value: number | boolean | undefined): string {
  return value === undefined ? '' : name + value;
}

/** What JSON writes as it is. */
const ordinary = /^[ !#-[\]-~]*$/;

function quote(value: string): string {
  return ordinary.test(value) ? `"${value}"` : JSON.stringify(value);
}
