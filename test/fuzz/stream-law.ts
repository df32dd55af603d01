// The engine beside the model of stream-model.ts: the same steps, the same reactions.
import { deepEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { Connection } from '../../proxy/http2/connection.ts';
import type { MessageListener, MessageStream } from '../../proxy/http2/message-stream.ts';
import {
  data,
  END_HEADERS,
  END_STREAM,
  Frame,
  frame,
  headers,
  PREFACE,
  parseFrames,
  REQUEST,
  settings,
  uint32,
} from '../../tools/http2-frames.ts';
import type { Law } from './law.ts';
import { MemorySocket, turn } from './memory-socket.ts';
import { type Reaction, react, type State, type Step } from './stream-model.ts';

/** Few, so that steps meet on the same stream. */
const STREAM_IDS = [1, 3, 5, 7] as const;
const CANCEL = 8;
const TRAILERS = ['x-check', 'ok'];

const section = {
  kind: fc.constantFrom('HEADERS' as const, 'DATA' as const),
  end: fc.boolean(),
};
const peer = fc.constant('peer' as const);
const us = fc.constant('us' as const);
/** Ends by RST_STREAM are the fewest: a stream is to see something before. */
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ by: peer, ...section }) },
  { weight: 8, arbitrary: fc.record({ by: us, ...section }) },
  {
    weight: 2,
    arbitrary: fc.record({
      by: peer,
      kind: fc.constantFrom('RST_STREAM' as const, 'WINDOW_UPDATE' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ by: us, kind: fc.constant('RST_STREAM' as const) }) },
);

/** Most steps that would end the connection are left out: what comes behind them is not looked at. */
const daring = fc.nat(19).map((n) => n === 0);
const script = fc.array(fc.record({ streamId: fc.constantFrom(...STREAM_IDS), step, daring }), {
  maxLength: 40,
  // By default, fast-check makes no more than ten.
  size: 'max',
});

/** One connection, and what has happened on it since it was last asked. */
class Subject {
  readonly socket = new MemorySocket();
  readonly connection: Connection;
  private readonly streams = new Map<number, MessageStream>();
  private heard: Reaction['heard'];

  constructor() {
    this.connection = new Connection(
      this.socket,
      { role: 'server', nowMs: () => 0 },
      {
        onRequest: (stream) => {
          this.heard = 'request';
          this.streams.set(stream.id, stream);
          stream.listener = this.listener();
        },
        onOversizedRequest: () => {},
        onCapacity: () => {},
        onClose: () => {},
      },
    );
    this.socket.give(Buffer.concat([PREFACE, settings()]));
  }

  async take(streamId: number, step: Step, first: boolean): Promise<Omit<Reaction, 'state'>> {
    await turn();
    this.heard = undefined;
    const before = this.socket.output.length;
    if (step.by === 'peer') this.socket.give(peerFrame(streamId, step, first));
    else this.act(this.streams.get(streamId), step);
    await turn();
    return { ...(this.heard === undefined ? {} : { heard: this.heard }), ...this.sent(before) };
  }

  private act(stream: MessageStream | undefined, step: Step & { by: 'us' }): void {
    if (step.kind === 'RST_STREAM') stream?.reset(CANCEL);
    else if (step.kind === 'HEADERS') stream?.sendHeaders([':status', '200'], step.end);
    else stream?.sendData(Buffer.from('body'), step.end);
  }

  private sent(from: number): Omit<Reaction, 'state' | 'heard'> {
    const { frames } = parseFrames(this.socket.output.subarray(from));
    const found: { resetCode?: number; goawayCode?: number; sends?: 'HEADERS' | 'DATA' } = {};
    for (const { type, payload } of frames) {
      if (type === Frame.RST_STREAM) found.resetCode = payload.readUInt32BE(0);
      if (type === Frame.GOAWAY) found.goawayCode = payload.readUInt32BE(4);
      if (type === Frame.HEADERS) found.sends = 'HEADERS';
      if (type === Frame.DATA) found.sends = 'DATA';
    }
    return found;
  }

  private listener(): MessageListener {
    return {
      onHeaders: () => this.hear('onHeaders'),
      onData: (stream, chunk) => {
        this.hear('onData');
        stream.consumed(chunk.length);
      },
      onSent: () => {},
      onReset: () => this.hear('onReset'),
    };
  }

  private hear(call: Reaction['heard']): void {
    this.heard = call;
  }
}

function peerFrame(streamId: number, step: Step & { by: 'peer' }, first: boolean): Buffer {
  switch (step.kind) {
    case 'HEADERS':
      return headers(
        streamId,
        first ? REQUEST : TRAILERS,
        END_HEADERS | (step.end ? END_STREAM : 0),
      );
    case 'DATA':
      return data(streamId, 'data', step.end ? END_STREAM : 0);
    case 'RST_STREAM':
      return frame(Frame.RST_STREAM, 0, streamId, uint32(CANCEL));
    case 'WINDOW_UPDATE':
      return frame(Frame.WINDOW_UPDATE, 0, streamId, uint32(1));
  }
}

interface Move {
  readonly streamId: number;
  readonly step: Step;
  readonly daring: boolean;
}

/** The model's side of a connection. */
class Expectation {
  readonly states = new Map<number, State>(STREAM_IDS.map((id) => [id, 'idle']));
  private readonly answered = new Set<number>();

  stateOf(streamId: number): State {
    return this.states.get(streamId) ?? 'idle';
  }

  /** Undefined for a move that is not to be made. */
  reactionTo({ streamId, step, daring: dares }: Move): Reaction | undefined {
    const reaction = react(this.stateOf(streamId), step, this.answered.has(streamId));
    if (reaction.goawayCode !== undefined && !dares) return undefined;
    // The engine's callers keep to the order of a message.
    const idle = step.by === 'us' && step.kind !== 'RST_STREAM' && reaction.sends === undefined;
    return idle ? undefined : reaction;
  }

  take(streamId: number, { state, sends }: Reaction): void {
    if (this.stateOf(streamId) === 'idle' && state !== 'idle') closeLowerIds(this.states, streamId);
    this.states.set(streamId, state);
    if (sends === 'HEADERS') this.answered.add(streamId);
  }
}

async function follow(moves: readonly Move[]): Promise<void> {
  const subject = new Subject();
  const expectation = new Expectation();
  try {
    for (const move of moves) {
      const reaction = expectation.reactionTo(move);
      if (reaction === undefined) continue;
      const { streamId, step } = move;
      const before = expectation.stateOf(streamId);
      const seen = await subject.take(streamId, step, before === 'idle');
      if (reaction.goawayCode !== undefined) {
        // The end of the connection is told to the other streams too.
        deepEqual(seen.goawayCode, reaction.goawayCode);
        deepEqual(subject.connection.openStreams, 0, 'open streams');
        return;
      }
      const { state, ...expected } = reaction;
      deepEqual(seen, expected, `${before}: ${step.by} ${step.kind} on ${streamId} -> ${state}`);
      expectation.take(streamId, reaction);
      deepEqual(subject.connection.openStreams, openIn(expectation.states), 'open streams');
    }
  } finally {
    subject.connection.destroy('the end');
    subject.socket.destroy();
  }
}

/** "The first use of a new stream identifier implicitly closes all idle ones below it" (5.1.1). */
function closeLowerIds(states: Map<number, State>, streamId: number): void {
  for (const [id, state] of states) if (id < streamId && state === 'idle') states.set(id, 'ended');
}

function openIn(states: ReadonlyMap<number, State>): number {
  return [...states.values()].filter((state) => /open|half/.test(state)).length;
}

export const STREAM_LAW: Law = {
  name: 'stream-states',
  title: 'streams go through the states of RFC 9113, section 5.1, and no others',
  property: () => fc.asyncProperty(script, follow),
};
