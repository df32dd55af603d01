// Request bodies: media type, size and form, and the first checks that any object must pass.
import { parse as parseYaml } from 'yaml';
import { type Exchange, header } from './exchange.ts';
import { isJsonObject, type JsonObject } from './objects.ts';
import { apiVersion, type Resource } from './resources.ts';
import { badRequest, invalid, unsupportedMediaType } from './status.ts';

// Twice etcd's 1.5 MB: JSON shrinks when stored as protobuf (k8s.io/apiserver pkg/server/config.go).
const MAX_BODY_BYTES = 3 * 1024 * 1024;
const OBJECT_MEDIA_TYPES = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
];
const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAME_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** An object as a client sent it, with a metadata that is an object. */
export type SentObject = JsonObject & { metadata: JsonObject };

/** The media type of the body, without parameters; JSON when none is given. */
export function contentType(exchange: Exchange): string {
  const value = header(exchange, 'content-type') ?? '';
  return value.split(';')[0]?.trim().toLowerCase() || 'application/json';
}

/** Reads the bytes of a body; 413 past 3 MiB. */
export function readBytes(exchange: Exchange): Promise<Buffer> {
  return exchange.readBody(MAX_BODY_BYTES);
}

/** Reads and parses an object of a create or update; the simulator reads no protobuf bodies. */
export async function readObjectBody(exchange: Exchange, resource: Resource): Promise<SentObject> {
  const type = contentType(exchange);
  if (type !== 'application/json' && type !== 'application/yaml') {
    throw unsupportedMediaType(OBJECT_MEDIA_TYPES);
  }
  const body = await readBytes(exchange);
  return checkedObject(parseObject(body, type, resource), resource);
}

function parseObject(body: Buffer, type: string, resource: Resource): unknown {
  try {
    return parseText(body, type);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw badRequest(
      `the object provided is unrecognized (must be of type ${resource.kind}): ${reason} (${body.subarray(0, 20)})`,
      cause,
    );
  }
}

/** Parses text as YAML when the media type says so, else as JSON. */
export function parseText(body: Buffer, type: string): unknown {
  const text = body.toString();
  try {
    // JSON is YAML too, and a hundred times faster to read.
    return type.endsWith('yaml') && !/^\s*[{[]/.test(text) ? parseYaml(text) : JSON.parse(text);
  } catch (cause) {
    throw badRequest(
      `couldn't get version/kind; json parse error: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    );
  }
}

/** Checks kind and apiVersion, and makes sure that there is a metadata. */
export function checkedObject(value: unknown, resource: Resource): SentObject {
  if (!isJsonObject(value)) {
    throw badRequest("couldn't get version/kind; json parse error: the body is not an object");
  }
  const { kind = resource.kind, apiVersion: version = apiVersion(resource) } = value;
  if (kind !== resource.kind || version !== apiVersion(resource)) {
    throw badRequest(
      `${String(kind)} in version "${String(version)}" cannot be handled as a ${resource.kind}: converting (${String(version)}.${String(kind)}) to (core.${resource.kind}): unknown conversion`,
    );
  }
  const metadata = isJsonObject(value.metadata) ? value.metadata : {};
  return { ...value, metadata };
}

/** 422 unless the name is one that objects may have. */
export function checkName(name: string, resource: Resource): void {
  if (name === '') {
    throw invalid(resource, '', [
      {
        reason: 'FieldValueRequired',
        message: 'Required value: name or generateName is required',
        field: 'metadata.name',
      },
    ]);
  }
  if (!NAME.test(name) || name.length > 253) {
    throw invalid(resource, name, [
      {
        reason: 'FieldValueInvalid',
        message: `Invalid value: "${name}": ${NAME_RULE}`,
        field: 'metadata.name',
      },
    ]);
  }
}
