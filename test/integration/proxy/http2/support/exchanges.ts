// What clients that come as programs ask of our server.
import { headerValue } from '../../../../../proxy/http2/header-list.ts';
import type { Received } from './engine.ts';

/** Answers the exchanges of http2-peer and python-peer.py. */
export function serveExchanges({ stream, headers, message, endStream }: Received): void {
  switch (headerValue(headers, ':path')) {
    case '/headers':
      stream.sendHeaders([':status', '204', 'x-answer', headerValue(headers, 'x-ask') ?? ''], true);
      break;
    case '/reset':
      stream.sendHeaders([':status', '200'], false);
      stream.sendData(Buffer.from('partial'), false);
      setImmediate(() => stream.reset(2));
      break;
    default:
      stream.sendHeaders([':status', '200', 'trailer', 'X-Length'], false);
      message.onData = (_stream, chunk, end) => {
        message.receivedBytes += chunk.length;
        stream.sendData(chunk, false);
        if (end) stream.sendHeaders(['x-length', String(message.receivedBytes)], true);
      };
      // Go may read no faster than it is read from: what is consumed is what has left.
      message.onSent = (_stream, bytes) => stream.consumed(bytes);
      if (endStream) stream.sendHeaders(['x-length', '0'], true);
  }
}
