/** Where the engine reports what an operator should read. Nest's `Logger` fits it as it is. */
export interface LoggerPort {
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  debug(message: string): void;
}

export const silentLogger: LoggerPort = { log() {}, warn() {}, error() {}, debug() {} };
