/** @param name in snake_case or lowerCamelCase */
export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** A path in responses, such as `customFields.seat_count`: keys of custom fields stay unchanged. */
export function camelPath(path: string): string {
  const [first = '', ...rest] = path.split('.');
  return [camelCase(first), ...rest].join('.');
}
