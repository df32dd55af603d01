import type { Duplex } from 'node:stream';

/**
 * What a socket that is not ready yet will say when it is: a TLS one has then verified the server.
 * Before that nothing may leave, least of all a token.
 */
export function eventOfEstablishment(socket: Duplex): string | undefined {
  if ('secureConnecting' in socket) {
    return socket.secureConnecting === true ? 'secureConnect' : undefined;
  }
  return 'connecting' in socket && socket.connecting === true ? 'connect' : undefined;
}
