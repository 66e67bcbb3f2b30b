import { isUpdateMask } from '../descriptors/well-known.js';
import { JsonCodec } from './json-codec.js';
import type { RequestParts, RestRoute } from './rest-route.js';

type Json = Record<string, unknown>;

/** What a reader of server-sent events had last (the HTML standard, section 9.2.4): where a stream with a cursor goes on. */
const lastEventId = 'last-event-id';

/** How a route makes the request message from the parts of an HTTP request. */
export function messageMaker(
  route: Pick<RestRoute, 'method' | 'fields' | 'bodyUsage' | 'status' | 'readMask'>,
  codecs: Map<string, JsonCodec>,
): RestRoute['toMessage'] {
  const { desc, path } = route.method;
  const { body, header, allHeaders } = route.fields;
  const codec = JsonCodec.of(desc.input, codecs);
  const updateMask = desc.input.fields.find(isUpdateMask);
  if (route.bodyUsage === 'patch' && !updateMask) throw new Error(`${path}: a patch needs an update_mask.`);
  const readMask = route.readMask?.field.jsonName;
  const sources = headerSources(route);
  const hasCursor = route.method.responseStream && desc.input.fields.some(({ name }) => name === 'cursor');
  return (parts) => {
    const json: Json = { ...parts.params, ...parts.query };
    for (const { name, field } of header) json[field.jsonName] = parts.headers[name];
    // A browser that comes back says so what it had last, and repeats the query of the first time.
    if (hasCursor && parts.headers[lastEventId]) json['cursor'] = parts.headers[lastEventId];
    if (body && route.bodyUsage === 'bytes') json[body.jsonName] = httpBody(parts);
    else if (body && route.bodyUsage !== 'file') json[body.jsonName] = parts.body;
    if (allHeaders)
      json[allHeaders.jsonName] = Object.entries(parts.headers).map(([name, value]) => ({
        name,
        value: String(value),
      }));
    const message = codec.fromJson(json);
    // What a PATCH changes is what its body names (AIP-134), null included.
    if (route.bodyUsage === 'patch' && updateMask) message[updateMask.jsonName] = Object.keys(parts.body as Json);
    if (readMask && message[readMask]) message[readMask] = [...(message[readMask] as string[]), ...sources];
    return message;
  };
}

/** Raw bytes that came whole, as a google.api.HttpBody. Without a body there are none. */
function httpBody({ headers, body }: RequestParts): Json {
  return { contentType: headers['content-type'] ?? '', data: body ?? new Uint8Array(), extensions: [] };
}

/** How a route makes JSON of an answer. */
export function jsonMaker(
  { method, readMask }: Pick<RestRoute, 'method' | 'readMask'>,
  codecs: Map<string, JsonCodec>,
): RestRoute['toJson'] {
  const codec = JsonCodec.of(method.desc.output, codecs);
  if (!readMask) return (response) => codec.toJson(response);
  const { jsonName } = readMask.field;
  return (response, { query }) => {
    const json = codec.toJson(response);
    const names = readMask.names({ [jsonName]: (query[jsonName] as string | undefined)?.split(',') });
    return names ? readMask.leaveOutOthers(json, names) : json;
  };
}

/** The fields that the headers of an answer are made of: the service must give them, whether the caller wants them or not. */
function headerSources({ method, status, readMask }: Pick<RestRoute, 'method' | 'status' | 'readMask'>): string[] {
  if (!readMask || readMask.list) return [];
  const names = status === 201 ? ['etag', 'id'] : ['etag'];
  return names.filter((name) => method.desc.output.fields.some((field) => field.name === name));
}
