// The state machine of a stream (RFC 9113, section 5.1) as a server sees it, written from the RFC
// and not from the engine: what each frame may do in each state.

export type State =
  | 'idle'
  | 'open'
  | 'half-closed (remote)'
  | 'half-closed (local)'
  /** Both sides have ended it. */
  | 'ended'
  /** The peer has reset it. */
  | 'reset by peer'
  /** We have reset it, and the peer may not know yet. */
  | 'reset by us';

/** What the peer sends, or our application does, on one stream. */
export type Step =
  | { readonly by: 'peer'; readonly kind: 'HEADERS' | 'DATA'; readonly end: boolean }
  | { readonly by: 'peer'; readonly kind: 'RST_STREAM' | 'WINDOW_UPDATE' }
  | { readonly by: 'us'; readonly kind: 'HEADERS' | 'DATA'; readonly end: boolean }
  | { readonly by: 'us'; readonly kind: 'RST_STREAM' };

/** What has to come of a step. */
export interface Reaction {
  readonly state: State;
  /** The listener is called so, or not at all. */
  readonly heard?: 'request' | 'onHeaders' | 'onData' | 'onReset';
  /** The code with which the stream is reset by us. */
  readonly resetCode?: number;
  /** The code with which the connection ends: nothing happens after it. */
  readonly goawayCode?: number;
  /** A frame of this kind is sent on the stream. */
  readonly sends?: 'HEADERS' | 'DATA';
}

const PROTOCOL_ERROR = 1;
const STREAM_CLOSED = 5;

/** @param answered our header section has been sent; without it there is no body */
export function react(state: State, step: Step, answered: boolean): Reaction {
  return step.by === 'peer' ? peerStep(state, step) : ourStep(state, step, answered);
}

function peerStep(state: State, step: Step & { readonly by: 'peer' }): Reaction {
  switch (state) {
    case 'idle':
      // "Receiving any frame other than HEADERS or PRIORITY on a stream in this state MUST be
      // treated as a connection error of type PROTOCOL_ERROR."
      if (step.kind !== 'HEADERS') return { state, goawayCode: PROTOCOL_ERROR };
      return { state: step.end ? 'half-closed (remote)' : 'open', heard: 'request' };
    case 'open':
    case 'half-closed (local)':
      return whileReceiving(state, step);
    case 'half-closed (remote)':
      if (step.kind === 'WINDOW_UPDATE') return { state };
      if (step.kind === 'RST_STREAM') return { state: 'reset by peer', heard: 'onReset' };
      // "… other than WINDOW_UPDATE, PRIORITY, or RST_STREAM …: a stream error STREAM_CLOSED."
      return { state: 'reset by us', heard: 'onReset', resetCode: STREAM_CLOSED };
    case 'ended':
    case 'reset by peer':
      // Late ones of these two are no fault; of the others the connection may be ended.
      if (step.kind === 'WINDOW_UPDATE' || step.kind === 'RST_STREAM') return { state };
      return { state, goawayCode: STREAM_CLOSED };
    case 'reset by us':
      // "MUST ignore frames that it receives on closed streams after it has sent RST_STREAM."
      return { state };
  }
}

function whileReceiving(
  state: 'open' | 'half-closed (local)',
  step: Step & { readonly by: 'peer' },
): Reaction {
  const afterEnd: State = state === 'open' ? 'half-closed (remote)' : 'ended';
  switch (step.kind) {
    case 'WINDOW_UPDATE':
      return { state };
    case 'RST_STREAM':
      return { state: 'reset by peer', heard: 'onReset' };
    case 'DATA':
      return { state: step.end ? afterEnd : state, heard: 'onData' };
    case 'HEADERS':
      if (step.end) return { state: afterEnd, heard: 'onHeaders' };
      // A second section that does not end the stream makes the request malformed (section 8.1).
      return { state: 'reset by us', heard: 'onReset', resetCode: PROTOCOL_ERROR };
  }
}

function ourStep(state: State, step: Step & { readonly by: 'us' }, answered: boolean): Reaction {
  const sending = state === 'open' || state === 'half-closed (remote)';
  if (step.kind === 'RST_STREAM' && (sending || state === 'half-closed (local)')) {
    return { state: 'reset by us', resetCode: 8 };
  }
  if (!sending || step.kind === 'RST_STREAM') return { state };
  // Not for the engine to check: its caller answers with a header section, then a body.
  if ((step.kind === 'HEADERS') === answered) return { state };
  const afterEnd: State = state === 'open' ? 'half-closed (local)' : 'ended';
  return { state: step.end ? afterEnd : state, sends: step.kind };
}
