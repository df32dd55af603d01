/** One way to hurt a server, as what is sent on each connection of the attacker. */
export interface Attack {
  readonly name: string;
  /** A plain TCP connection without TLS, or HTTP/2 over TLS with the preface and SETTINGS sent. */
  readonly over: 'tcp' | 'h2';
  readonly connections: number;
  /** What is sent, without end or to be followed by silence. The token is for requests. */
  input(token: string): Generator<Buffer>;
  /** Pause between two pieces of the input; without one they are sent as fast as they are taken. */
  readonly pauseMs?: number;
  /** Does not read what the server says. */
  readonly deaf?: boolean;
  /** The error code of the GOAWAY that has to end each connection; or how else it is dealt with. */
  readonly end: number | 'dropped' | 'streams reset';
}
