// What the door says of itself on its admin port.
import type { EndpointReport } from '../../../proxy/observe/admin-pages.ts';
import type { DoorProcess } from '../../../tools/door.ts';

/** Status and body of a page. Rejects when nobody listens. */
export async function adminPage(
  { adminUrl }: DoorProcess,
  path: string,
): Promise<{ status: number; body: string }> {
  // A connection of its own: the admin port closes idle ones as it ends.
  const response = await fetch(`${adminUrl}${path}`, { headers: { connection: 'close' } });
  return { status: response.status, body: await response.text() };
}

/** What the door knows of each apiserver. */
export async function endpointReports(door: DoorProcess): Promise<readonly EndpointReport[]> {
  const { body } = await adminPage(door, '/debug/endpoints');
  const { endpoints }: { endpoints: readonly EndpointReport[] } = JSON.parse(body);
  return endpoints;
}
