// `advise`: what is known against the running versions, and against the one that is to come.
import { CommandError } from '../common/command.ts';
import type { ExitCode } from '../common/exit-code.ts';
import { advisoriesFor, fixInSameMinor } from './advisories.ts';
import type { Advisory } from './advisory.ts';
import { answering, viewCluster } from './cluster-view.ts';
import type { Command, CommandContext } from './command.ts';
import { ETCD_EXIT, worstExit } from './exit-code.ts';
import { readVersion, readVersions } from './flag-values.ts';
import type { Answer, Block, Json } from './output.ts';
import { permissionsLost } from './permissions.ts';
import {
  compareVersions,
  describeRange,
  formatVersion,
  parseVersion,
  type Version,
} from './version.ts';

export const advise: Command = {
  name: 'advise',
  summary: 'what is known against the running versions, and against a target',
  example: 'advise --endpoints https://10.0.0.1:2379 --cacert ca.crt --to 3.6.14',
  endpointsOptional: true,
  options: [
    { name: 'to', value: 'VERSION', help: 'a version that is to be installed' },
    { name: 'versions', value: 'V,V', help: 'running versions, instead of asking --endpoints' },
  ],
  run: runAdvise,
};

async function runAdvise({ members, flags, print }: CommandContext): Promise<ExitCode> {
  const target = readVersion(flags, 'to');
  const named = readVersions(flags, 'versions');
  if (members.length === 0 && named.length === 0 && target === undefined) {
    throw new CommandError(
      'give --endpoints, --versions or --to (see evenkeel-etcd advise --help)',
    );
  }
  const view = await viewCluster(members);
  const asked = answering(view).flatMap(({ status }) => parseVersion(status.version) ?? []);
  const running = distinct([...named, ...asked]);
  const silent = view.members.flatMap(({ status }) => (status.ok ? [] : [status.error.message]));
  print(describeAdvice(running, target, silent));
  const known = running.flatMap(advisoriesFor).filter(({ reportedOnly }) => !reportedOnly);
  return worstExit([
    ...(known.length > 0 ? [ETCD_EXIT.warning] : []),
    ...(silent.length > 0 ? [ETCD_EXIT.unknown] : []),
  ]);
}

function distinct(versions: readonly Version[]): Version[] {
  const byText = new Map(versions.map((version) => [formatVersion(version), version]));
  return [...byText.values()].sort(compareVersions);
}

function describeAdvice(
  running: readonly Version[],
  target: Version | undefined,
  silent: readonly string[],
): Answer {
  const subjects = [
    ...running.map((version) => ({ version, role: 'running' })),
    ...(target === undefined ? [] : [{ version: target, role: 'target' }]),
  ];
  const lost =
    target === undefined
      ? []
      : [...new Set(running.flatMap((version) => permissionsLost(version, target)))];
  return {
    blocks: [
      ...subjects.map(({ version, role }) => adviceBlock(version, role)),
      {
        lines: [
          ...lost.map((line) => `with auth on, the target gives a call to fewer: ${line}`),
          ...silent.map((line) => `unknown: ${line}`),
        ],
      },
    ],
    json: {
      subjects: subjects.map(({ version, role }) => ({
        version: formatVersion(version),
        role,
        advisories: advisoriesFor(version).map((advisory) => jsonAdvisory(advisory, version)),
      })),
      permissionsLost: lost,
      unknown: silent,
    },
    metrics: [
      {
        name: 'evenkeel_etcd_advisories',
        help: 'How many known bugs concern a version.',
        samples: subjects.map(({ version, role }) => ({
          labels: { version: formatVersion(version), role },
          value: advisoriesFor(version).length,
        })),
      },
    ],
  };
}

function adviceBlock(version: Version, role: string): Block {
  const rows = advisoriesFor(version).map((advisory) => [
    advisory.id,
    advisory.reportedOnly ? `${advisory.harm}?` : advisory.harm,
    advisory.condition,
    describeFix(advisory, version),
  ]);
  const title = `${role} ${formatVersion(version)}`;
  if (rows.length === 0) return { lines: [`${title}: nothing is known against it`] };
  return { title, columns: ['id', 'harm', 'when', 'fixed in'], rows };
}

function describeFix(advisory: Advisory, running: Version): string {
  const near = fixInSameMinor(advisory, running);
  if (near !== undefined) return near;
  const later = advisory.fixedIn.filter((fixed) => {
    const candidate = parseVersion(fixed);
    return candidate !== undefined && compareVersions(candidate, running) > 0;
  });
  return later[0] ?? (advisory.reportedOnly ? 'cause not known' : 'none');
}

function jsonAdvisory(advisory: Advisory, running: Version): Json {
  return {
    id: advisory.id,
    harm: advisory.harm,
    affected: advisory.affected.map(describeRange),
    reportedOnly: advisory.reportedOnly === true,
    condition: advisory.condition,
    symptom: advisory.symptom,
    fixedIn: advisory.fixedIn,
    fixInSameMinor: fixInSameMinor(advisory, running) ?? null,
    source: advisory.source,
  };
}
