// `evenkeel-load clean`: for what a run that was killed has left behind.
import { EXIT_CODE, type ExitCode } from '../../common/exit-code.ts';
import { checkAccess, removeMade, requireOwnCluster } from './cluster.ts';
import { removeKeys } from './etcd-keys.ts';
import { CLEAN_HELP, parseClean } from './run-arguments.ts';

export async function runCleanCommand(
  argv: readonly string[],
  signal: AbortSignal,
  stdout: { write(text: string): unknown } = process.stdout,
): Promise<ExitCode> {
  const parsed = parseClean(argv);
  if (parsed === 'help') {
    stdout.write(CLEAN_HELP);
    return EXIT_CODE.ok;
  }
  requireOwnCluster(parsed.access, parsed.owned);
  await checkAccess(parsed.access);
  signal.throwIfAborted();
  await removeMade(parsed.access);
  const etcdUrls = parsed.site === undefined ? [] : (await parsed.site.describe()).etcdUrls;
  await removeKeys([...parsed.etcd, ...etcdUrls]);
  stdout.write(`removed what runs had left on ${parsed.access.server}\n`);
  return EXIT_CODE.ok;
}
