/** Fields by their names in lower case. Of equal names, the first counts. */
export type FieldGroup = ReadonlyMap<string, string>;

/** Bounds what a hostile report costs. */
const maxGroups = 200;

/**
 * The groups of fields of a report, which empty lines divide (RFC 3464, section 2.1). Lines that are no fields are left out.
 */
export function fieldGroups(text: string): FieldGroup[] {
  const groups: Map<string, string>[] = [];
  let group: Map<string, string> | undefined;
  let last: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') {
      [group, last] = [undefined, undefined];
      continue;
    }
    if (/^[ \t]/.test(line)) {
      if (group && last !== undefined) group.set(last, `${group.get(last)} ${line.trim()}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    if (!group) {
      if (groups.length === maxGroups) break;
      group = new Map<string, string>();
      groups.push(group);
    }
    const name = line.slice(0, colon).trim().toLowerCase();
    last = group.has(name) ? undefined : name;
    if (last !== undefined) group.set(name, line.slice(colon + 1).trim());
  }
  return groups;
}
