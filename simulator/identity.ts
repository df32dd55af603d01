// Who a request or a connection belongs to.

/** A user, as in authentication.k8s.io/v1 UserInfo. */
export interface Identity {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** Which authority vouches for the certificate of a connection, read once per connection. */
export interface Peer {
  readonly certificate: 'none' | 'cluster' | 'front-proxy' | 'invalid';
  readonly identity?: Identity;
}
