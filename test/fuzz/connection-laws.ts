// Whole connections: recorded ones, however they are cut and whatever is done to them.
import { deepEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { readCorpus } from './corpus.ts';
import { type Role, runConnection } from './hardened-connection.ts';
import type { Law } from './law.ts';
import { cut, cuts, mutate, mutations } from './mutations.ts';

/** Told of every input, and where it led. */
export type OnOutcome = (role: Role, input: Buffer, signature: string) => void;

const noted: OnOutcome = () => {};

/** The same bytes lead to the same end of the connection, in whatever pieces they arrive. */
function splitLaw(role: Role): Law {
  return {
    name: `${role}-splits`,
    title: `a recorded connection to a ${role} is the same in any pieces`,
    property: () => {
      const entries = readCorpus(role);
      return fc.asyncProperty(fc.nat(), cuts, async (index, sizes) => {
        const bytes = entries[index % entries.length]?.bytes ?? Buffer.alloc(0);
        // Answers may differ: a request that is reset in the same piece is not handed on at all.
        const whole = await runConnection(role, [bytes]);
        const { detail } = await runConnection(role, cut(bytes, sizes));
        deepEqual(detail, whole.detail);
      });
    },
  };
}

function mutationLaw(role: Role, onOutcome: OnOutcome): Law {
  return {
    name: `${role}-mutations`,
    title: `a ${role} gets over whatever is done to a recorded connection`,
    property: () => {
      const entries = readCorpus(role);
      return fc.asyncProperty(fc.nat(), mutations, cuts, async (index, list, sizes) => {
        const recorded = entries[index % entries.length]?.bytes ?? Buffer.alloc(0);
        const input = mutate(role, recorded, list);
        const { signature } = await runConnection(role, cut(input, sizes));
        onOutcome(role, input, signature);
      });
    },
  };
}

export function connectionLaws(onOutcome: OnOutcome = noted): Law[] {
  return [
    splitLaw('server'),
    splitLaw('client'),
    mutationLaw('server', onOutcome),
    mutationLaw('client', onOutcome),
  ];
}
