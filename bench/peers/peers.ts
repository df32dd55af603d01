// The peers, in the order of the tables.
import { caddy } from './caddy.ts';
import { envoy } from './envoy.ts';
import { goProxy } from './go-proxy.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';
import type { Peer } from './peer.ts';
import { plainNode } from './plain.ts';

export const PEERS: readonly Peer[] = [haproxy, nginx, envoy, goProxy, caddy, plainNode];
