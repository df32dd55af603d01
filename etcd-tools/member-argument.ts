// Which member `--member` means: a name, an id as etcdctl prints it, or a client URL.
import { CommandError } from '../common/command.ts';
import { type ClusterView, type MemberView, nameOf } from './cluster-view.ts';
import type { FlagValues } from './command.ts';
import { formatId } from './endpoints.ts';

/** The text of `--member`. Throws a CommandError when it is not there. */
export function requireMemberFlag(flags: FlagValues): string {
  const text = flags.member;
  if (typeof text === 'string' && text !== '') return text;
  throw new CommandError('--member is missing: a name, an id or a client URL of a member');
}

/** Throws a CommandError when nobody, or more than one, is meant. */
export function findMember(view: ClusterView, text: string): MemberView {
  const url = text.replace(/\/$/, '');
  const found = view.members.filter((member) => {
    const id = member.status.ok ? formatId(member.status.value.header.memberId) : undefined;
    return nameOf(view, member) === text || member.endpoint === url || id === text.toLowerCase();
  });
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const names = view.members.map((member) => nameOf(view, member)).join(', ');
  const problem = found.length === 0 ? 'is none of' : 'is more than one of';
  throw new CommandError(`--member ${text}: ${problem} the members at --endpoints: ${names}`);
}
