// TCP relays before the peer ports of etcd members, so that a test can cut the network between two
// of them. Which member a connection comes from is looked up in /proc: etcd's peers send no name
// that could be trusted, and one relay per pair is not possible, since all read one member list.
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';

/** What the relay knows of a member. */
export interface Peer {
  readonly name: string;
  /** Of the process that runs now; changes with each start. */
  readonly pid: number;
  /** Where the member itself listens for its peers. */
  readonly peerPort: number;
}

interface Flow {
  readonly from: Peer;
  readonly to: Peer;
  readonly end: () => void;
}

/** Relays of one cluster. Linux only. Must be closed. */
export class PeerRelay {
  readonly #peers = new Set<Peer>();
  readonly #servers: Server[] = [];
  readonly #flows = new Set<Flow>();
  readonly #cuts = new Set<string>();
  readonly #bytesPerSecond = new Map<string, number>();

  /** Everything that connects to `port` is passed on to `peer`, unless it is cut. */
  async open(peer: Peer, port: number): Promise<void> {
    this.#peers.add(peer);
    const server = createServer((socket) => this.#accept(socket, peer));
    this.#servers.push(server);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  }

  /** Ends what is open between the two, and refuses what they open from now on. */
  cut(one: Peer, other: Peer): void {
    this.#cuts.add(pairKey(one, other));
    for (const flow of this.#flows) if (this.#isCut(flow.from, flow.to)) flow.end();
  }

  /** From now on no connection brings `peer` more than this; what it sends is as before. */
  limit(peer: Peer, bytesPerSecond: number): void {
    this.#bytesPerSecond.set(peer.name, bytesPerSecond);
  }

  /** Undoes every cut and limit. */
  mend(): void {
    this.#cuts.clear();
    this.#bytesPerSecond.clear();
  }

  async close(): Promise<void> {
    for (const flow of this.#flows) flow.end();
    await Promise.all(this.#servers.splice(0).map((server) => once(server.close(), 'close')));
  }

  #accept(socket: Socket, to: Peer): void {
    socket.on('error', () => socket.destroy());
    const from = this.#owner(socket.remotePort);
    // An unknown one has gone already, or is a process that is just ending.
    if (from === undefined || this.#isCut(from, to)) {
      socket.destroy();
      return;
    }
    const onward = connect(to.peerPort, '127.0.0.1');
    const end = (): void => {
      socket.destroy();
      onward.destroy();
      this.#flows.delete(flow);
    };
    const flow = { from, to, end };
    this.#flows.add(flow);
    for (const side of [socket, onward]) {
      // Heartbeats are small, and waiting for more would look like a slow network.
      side.setNoDelay(true).on('error', end).on('close', end);
    }
    const slowly = (peer: Peer): Transform => slowDown(() => this.#bytesPerSecond.get(peer.name));
    // Entries come to a member on the connections that it has made itself, as answers without end
    // (the stream handler in etcd's rafthttp).
    socket.pipe(slowly(to)).pipe(onward).pipe(slowly(from)).pipe(socket);
  }

  #isCut(one: Peer, other: Peer): boolean {
    return this.#cuts.has(pairKey(one, other));
  }

  #owner(port: number | undefined): Peer | undefined {
    const inode = port === undefined ? undefined : socketInode(port);
    if (inode === undefined) return undefined;
    return [...this.#peers].find((peer) => holdsSocket(peer.pid, inode));
  }
}

/** Passes on as much as the rate allows; undefined is no limit, and may change at any time. */
function slowDown(bytesPerSecond: () => number | undefined): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, passOn) {
      const rate = bytesPerSecond();
      if (rate === undefined) passOn(null, chunk);
      // Of a connection that has ended meanwhile nobody takes it any more, and no harm is done.
      else setTimeout(passOn, (chunk.length / rate) * 1000, null, chunk);
    },
  });
}

function pairKey(one: Peer, other: Peer): string {
  return [one.name, other.name].sort().join(' ');
}

/** The inode of the connection whose own end is this port of 127.0.0.1 (proc_net_tcp in Linux). */
function socketInode(port: number): string | undefined {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  const fields = rows.map((row) => row.trim().split(/\s+/)).find((row) => row[1] === local);
  return fields?.[9];
}

function holdsSocket(pid: number, inode: string): boolean {
  const directory = `/proc/${pid}/fd`;
  try {
    return readdirSync(directory).some(
      (fd) => linkOf(`${directory}/${fd}`) === `socket:[${inode}]`,
    );
  } catch {
    return false; // The process is gone.
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // Closed since the folder was read.
  }
}
