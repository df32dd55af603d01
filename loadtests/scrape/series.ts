// Names of series, such as `PUT leases resource`, and what the servers call the same.

export interface RequestSeries {
  readonly verb: string;
  readonly resource: string;
  /** Empty when there is none. */
  readonly subresource: string;
  readonly scope: 'resource' | 'namespace' | 'cluster';
}

const SERIES =
  /^(GET|LIST|POST|PUT|PATCH|DELETE|DELETECOLLECTION) ([^\s/]+)(?:\/(\S+))? (resource|namespace|cluster)$/;

/** Undefined for series that no kube-apiserver has objectives for, such as those of etcd. */
export function parseSeries(series: string): RequestSeries | undefined {
  const [, verb, resource, subresource = '', scope] = SERIES.exec(series) ?? [];
  if (verb === undefined || resource === undefined) return undefined;
  return { verb, resource, subresource, scope: scope as RequestSeries['scope'] };
}

/** Whether the labels of an apiserver's metric are of that series. */
export function isOfSeries(
  series: RequestSeries,
  labels: Readonly<Record<string, string>>,
): boolean {
  return (
    labels.verb === series.verb &&
    labels.resource === series.resource &&
    labels.subresource === series.subresource &&
    labels.scope === series.scope
  );
}
