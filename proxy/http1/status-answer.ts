// Answers written on a socket that no node:http response belongs to: the request could not be
// parsed, or it asked for an upgrade and its socket was handed over.
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { HeaderList } from '../http2/header-list.ts';
import { STATUS_CONTENT_TYPE, type StatusReason, statusBody } from '../kube/status.ts';
import { type LingerLimits, lingerDefaults, lingerThenDestroy } from './linger.ts';

/** A failure of ours as a whole response. */
export interface StatusAnswer {
  readonly headers: HeaderList;
  readonly body: Buffer;
}

const REASONS: Readonly<Record<number, StatusReason>> = {
  400: 'BadRequest',
  405: 'MethodNotAllowed',
  408: 'Timeout',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** Makes the answer for a failure. What an upstream may yet do better says when to try again. */
export function statusAnswer(code: number, message: string): StatusAnswer {
  const retryAfterSeconds = code >= 502 && code <= 504 ? 1 : undefined;
  const headers: HeaderList = [':status', String(code), 'content-type', STATUS_CONTENT_TYPE];
  if (retryAfterSeconds !== undefined) headers.push('retry-after', String(retryAfterSeconds));
  return { headers, body: statusBody({ code, message, reason: REASONS[code], retryAfterSeconds }) };
}

/**
 * Writes one complete response and closes the connection.
 *
 * @param headers `:status` first; fields that frame the message are left out and written here.
 */
export function answerAndClose(
  socket: Socket,
  headers: HeaderList,
  body: Uint8Array,
  limits: LingerLimits = lingerDefaults,
): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = Number(headers[1]);
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}`];
  let dated = false;
  for (let i = 2; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (FRAMING_FIELDS.has(name.toLowerCase())) continue;
    dated ||= name.toLowerCase() === 'date';
    lines.push(`${name}: ${headers[i + 1] ?? ''}`);
  }
  // RFC 9110, section 6.6.1: who forwards a response without a date adds it.
  if (!dated) lines.push(`date: ${new Date().toUTCString()}`);
  lines.push(`content-length: ${body.length}`, 'connection: close', '', '');
  socket.cork();
  socket.write(lines.join('\r\n'), 'latin1');
  socket.write(body);
  socket.uncork();
  lingerThenDestroy(socket, limits);
}

/** Writes a failure of ours and closes the connection. */
export function answerStatusAndClose(
  socket: Socket,
  code: number,
  message: string,
  limits: LingerLimits = lingerDefaults,
): void {
  const { headers, body } = statusAnswer(code, message);
  answerAndClose(socket, headers, body, limits);
}

const FRAMING_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
