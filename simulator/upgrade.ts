// exec, attach and port-forward: upgrades that echo. WebSocket is spoken at the level of its
// frames and channels; SPDY/3.1 is answered with a 101, and then every byte comes back as it was.
import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { type Exchange, header, headerValues } from './exchange.ts';
import { badRequest } from './status.ts';
import {
  BINARY,
  CLOSE,
  encodeFrame,
  PING,
  PONG,
  TEXT,
  type WebSocketFrame,
  WebSocketReader,
} from './websocket-frames.ts';

/** A request whose connection may be taken over. */
export interface UpgradeExchange extends Exchange {
  readonly socket: Duplex;
  /** What the client sent behind its request already. */
  readonly head: Buffer;
}

const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // RFC 6455, section 1.3.
const STDIN = 0;
const STDOUT = 1;
const ERROR = 3;
const CLOSE_SIGNAL = 255; // v5.channel.k8s.io: the next byte names the channel to close.
const SUCCESS = Buffer.from(JSON.stringify({ metadata: {}, status: 'Success' }));

/** Takes the connection over and echoes; throws a Status while nothing has been answered. */
export function serveUpgrade(exchange: UpgradeExchange, query: URLSearchParams): void {
  const protocol = (header(exchange, 'upgrade') ?? '').toLowerCase();
  if (protocol === 'websocket') serveWebSocket(exchange, query);
  else if (protocol === 'spdy/3.1') serveSpdy(exchange);
  else throw badRequest('Upgrade request required');
}

function serveSpdy(exchange: UpgradeExchange): void {
  const [stream] = offered(exchange, 'x-stream-protocol-version');
  switchProtocols(exchange, {
    Upgrade: 'SPDY/3.1',
    ...(stream === undefined ? {} : { 'X-Stream-Protocol-Version': stream }),
  });
  const { socket, head } = exchange;
  if (head.length > 0) socket.write(head);
  socket.pipe(socket);
}

function serveWebSocket(exchange: UpgradeExchange, query: URLSearchParams): void {
  const key = header(exchange, 'sec-websocket-key');
  if (exchange.method !== 'GET' || key === undefined) {
    throw badRequest('a WebSocket handshake is a GET with a Sec-WebSocket-Key');
  }
  const [subprotocol] = offered(exchange, 'sec-websocket-protocol');
  switchProtocols(exchange, {
    Upgrade: 'websocket',
    'Sec-WebSocket-Accept': createHash('sha1')
      .update(key + ACCEPT_GUID)
      .digest('base64'),
    ...(subprotocol === undefined ? {} : { 'Sec-WebSocket-Protocol': subprotocol }),
  });
  const { socket, head } = exchange;
  const channels = subprotocol?.includes('portforward') !== true;
  if (channels && query.get('stdin') !== 'true' && query.has('command')) {
    runWithoutInput(socket, query.getAll('command'));
    return;
  }
  const reader = new WebSocketReader();
  const onData = (chunk: Buffer) => {
    try {
      for (const frame of reader.push(chunk)) answerFrame(socket, frame, channels);
    } catch {
      socket.destroy();
    }
  };
  socket.on('data', onData);
  if (head.length > 0) onData(head);
}

/** A command without input prints itself and ends well, as `echo` would. */
function runWithoutInput(socket: Duplex, command: readonly string[]): void {
  const output = Buffer.from(`${command.join(' ')}\n`);
  socket.write(encodeFrame(BINARY, Buffer.concat([Buffer.from([STDOUT]), output])));
  finish(socket);
  socket.resume();
}

function answerFrame(socket: Duplex, { opcode, payload }: WebSocketFrame, channels: boolean): void {
  switch (opcode) {
    case PING:
      socket.write(encodeFrame(PONG, payload));
      break;
    case CLOSE:
      socket.end(encodeFrame(CLOSE, payload.subarray(0, 2)));
      break;
    case TEXT:
    case BINARY:
      if (channels) answerChannel(socket, payload);
      else socket.write(encodeFrame(opcode, payload));
      break;
    default:
      break;
  }
}

function answerChannel(socket: Duplex, payload: Buffer): void {
  const [channel, closed] = payload;
  if (channel === STDIN) {
    const echoed = Buffer.from(payload);
    echoed[0] = STDOUT;
    socket.write(encodeFrame(BINARY, echoed));
  } else if (channel === CLOSE_SIGNAL && closed === STDIN) finish(socket);
}

function finish(socket: Duplex): void {
  socket.write(encodeFrame(BINARY, Buffer.concat([Buffer.from([ERROR]), SUCCESS])));
  socket.end(encodeFrame(CLOSE, Buffer.from([0x03, 0xe8]))); // 1000, normal closure.
}

function switchProtocols({ socket }: UpgradeExchange, headers: Record<string, string>): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n${lines.join('')}\r\n`);
}

/** The protocols that a client offers, in its order of preference; repeated headers count. */
function offered(exchange: Exchange, name: string): string[] {
  return headerValues(exchange, name).flatMap((value) =>
    value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );
}
