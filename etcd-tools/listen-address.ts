// Where `serve` listens. Pure.
import { isIP } from 'node:net';
import { CommandError } from '../common/command.ts';

/** As node:net takes it. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Reads `127.0.0.1:9379`, `[::1]:9379`, `localhost:9379`. Throws a CommandError. */
export function parseListen(text: string): ListenAddress {
  const found = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const [, bracketed, plain, port] = found ?? [];
  const host = bracketed ?? plain;
  const wrongAddress = bracketed !== undefined && isIP(bracketed) !== 6;
  if (host === undefined || wrongAddress || Number(port) > 65_535) {
    throw new CommandError(
      `--listen: expected HOST:PORT such as 127.0.0.1:9379 or [::]:9379, got "${text}"`,
    );
  }
  return { host, port: Number(port) };
}
