import { TrafficClass, type Policy } from '@rapport/contracts/rapport/api/v1/options';
import type { PrintedField, PrintedMessage, StandardMethod } from './standard-method.ts';

const maxLineLength = 120;

/** Text as lines of a comment. */
export function printComment(text: string, indent = ''): string {
  return text
    .split('\n\n')
    .map((paragraph) => wrap(paragraph, `${indent}// `))
    .join(`\n${indent}//\n`);
}

export function printMethod({ name, comment, request, response, http, policy }: StandardMethod): string {
  const path = `${http.verb}: "${http.path}"`;
  const rule = literal(http.body === undefined ? [path] : [path, `body: "${http.body}"`], '    ');
  return `${printComment(comment, '  ')}
  rpc ${name}(${request}) returns (${response}) {
    option (google.api.http) = ${rule};
    option (rapport.api.v1.policy) = ${literal(policyEntries(policy), '    ')};
  }`;
}

export function printMessage({ name, comment, fields }: PrintedMessage): string {
  return `${printComment(comment)}\nmessage ${name} {\n${fields.map(printField).join('\n')}\n}`;
}

function printField({ comment, declaration, isRequired = false, rules = [] }: PrintedField): string {
  const places = isRequired && rules.length > 0 ? '    ' : '  ';
  const options = [
    ...(isRequired ? ['(google.api.field_behavior) = REQUIRED'] : []),
    ...(rules.length > 0 ? [`(rapport.api.v1.rules) = ${literal(rules, places)}`] : []),
  ];
  const [only, ...others] = options;
  const list = others.length > 0 ? `[\n    ${options.join(',\n    ')}\n  ]` : `[${only}]`;
  return `${printComment(comment, '  ')}\n  ${declaration}${only === undefined ? '' : ` ${list}`};`;
}

function policyEntries({ cache, ...policy }: Policy): string[] {
  return [
    `permission: "${policy.permission}"`,
    ...(policy.idempotent ? ['idempotent: true'] : []),
    ...(policy.joinedBy === '' ? [] : [`joined_by: "${policy.joinedBy}"`]),
    ...(policy.cost === 0 ? [] : [`cost: ${policy.cost}`]),
    ...(policy.deadlineMs === 0 ? [] : [`deadline_ms: ${policy.deadlineMs}`]),
    ...(policy.trafficClass === TrafficClass.BULK ? ['traffic_class: TRAFFIC_CLASS_BULK'] : []),
    ...(cache ? [`cache: ${literal(cacheEntries(cache), '      ')}`] : []),
    ...policy.invalidates.map((tag) => `invalidates: "${tag}"`),
  ];
}

function cacheEntries(cache: NonNullable<Policy['cache']>): string[] {
  return [
    `ttl_seconds: ${cache.ttlSeconds}`,
    ...cache.tags.map((tag) => `tags: "${tag}"`),
    `stale_if_error_seconds: ${cache.staleIfErrorSeconds}`,
    ...cache.filterTags.map((tag) => `filter_tags: "${tag}"`),
    ...cache.pathTags.map((tag) => `path_tags: "${tag}"`),
  ];
}

/** A message literal as `buf format` writes it. */
function literal(entries: readonly string[], indent: string): string {
  const [only, ...others] = entries;
  if (only !== undefined && others.length === 0 && !only.includes('\n')) return `{${only}}`;
  return `{\n${entries.map((entry) => `${indent}  ${entry}\n`).join('')}${indent}}`;
}

function wrap(text: string, prefix: string): string {
  const lines: string[] = [];
  // A code span is one word, so that a search for it finds it.
  for (const word of text.match(/(?:[^\s`]|`[^`]*`)+/g) ?? []) {
    const longer = `${lines.at(-1) ?? ''} ${word}`;
    if (lines.length > 0 && prefix.length + longer.length <= maxLineLength) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.map((line) => prefix + line).join('\n');
}
