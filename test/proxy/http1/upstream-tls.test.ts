import { expect, test } from 'vitest';
import { upgradeProtocol } from '../../../proxy/http1/upgrade.ts';
import { upgradeHead, upgradeTlsOptions } from '../../../proxy/http1/upstream-tls.ts';

test.each([
  ['https://10.0.0.1:6443', { host: '10.0.0.1', port: 6443, servername: '' }],
  ['https://[::1]:6443', { host: '::1', port: 6443, servername: '' }],
  ['https://replica-1', { host: 'replica-1', port: 443, servername: 'replica-1' }],
])('%s is reached over HTTP/1.1 only', (url, expected) => {
  const options = upgradeTlsOptions({ url, headers: [], tls: { ca: 'ca' } });
  expect(options).toEqual({ ...expected, ca: 'ca', ALPNProtocols: ['http/1.1'] });
});

test('a name in the configuration is the one that is verified', () => {
  const tls = { ca: 'ca', cert: 'c', key: 'k', servername: 'kubernetes' };
  const options = upgradeTlsOptions({
    url: 'https://10.0.0.1:1',
    headers: [':authority', 'x'],
    tls,
  });
  expect(options).toMatchObject({ servername: 'kubernetes', cert: 'c', key: 'k' });
});

test('an upgrade request keeps duplicates and leaves the framing to the carrier', () => {
  const headers = [
    ...[':method', 'POST', ':scheme', 'https', ':authority', 'a', ':path', '//x?y'],
    ...['x-remote-group', '1', 'content-length', '0', 'x-remote-group', '2', 'host', 'b'],
    ...['connection', 'x', 'upgrade', 'y', 'transfer-encoding', 'z', 'expect', '100-continue'],
  ];
  expect(upgradeHead(headers)).toEqual({
    method: 'POST',
    path: '//x?y',
    fields: ['host', 'a', 'x-remote-group', '1', 'x-remote-group', '2'],
  });
});

test.each([
  ['GET', 'websocket', 'websocket'],
  ['GET', 'WebSocket', 'websocket'],
  ['POST', 'websocket', 'other'],
  ['POST', 'SPDY/3.1', 'spdy'],
  ['GET', 'spdy/3.1', 'spdy'],
  ['GET', 'tcp', 'other'],
  ['GET', 'websocket, tcp', 'other'],
])('%s with Upgrade: %s is %s', (method, upgrade, protocol) => {
  expect(upgradeProtocol(method, upgrade)).toBe(protocol);
});
