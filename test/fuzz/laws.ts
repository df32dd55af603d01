import { connectionLaws, type OnOutcome } from './connection-laws.ts';
import { FRAME_LAW } from './frame-law.ts';
import { HPACK_LAWS } from './hpack-laws.ts';
import type { Law } from './law.ts';
import { STREAM_LAW } from './stream-law.ts';

/** All of them. */
export function wireLaws(onOutcome?: OnOutcome): readonly Law[] {
  return [FRAME_LAW, ...HPACK_LAWS, STREAM_LAW, ...connectionLaws(onOutcome)];
}
