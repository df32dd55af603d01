// What the system knows about a process: its sockets, and children that nobody waited for.
import { readdir, readFile, readlink } from 'node:fs/promises';

/** How many sockets a process holds, listening ones included. */
export async function socketCount(pid: number): Promise<number> {
  const folder = `/proc/${pid}/fd`;
  const links = await Promise.all(
    // A descriptor may be closed while we look.
    (await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => '')),
  );
  return links.filter((link) => link.startsWith('socket:')).length;
}

/** Children of a process that have ended and are still in the table. */
export async function zombiesOf(pid: number): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const states = await Promise.all(
    pids.map(async (each) => {
      const stat = await readFile(`/proc/${each}/stat`, 'utf8').catch(() => '');
      // The command's name stands in brackets and may hold brackets; the state is behind the last.
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return state === 'Z' && Number(parent) === pid;
    }),
  );
  return states.filter(Boolean).length;
}
