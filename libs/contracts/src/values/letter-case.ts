/** The JSON name of a field, as protobuf derives it. @param name in snake_case or lowerCamelCase */
export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** A path in JSON names, such as `customFields.seat_count`: keys of custom fields stay unchanged. */
export function camelPath(path: string): string {
  const [first = '', ...rest] = path.split('.');
  return [camelCase(first), ...rest].join('.');
}

/** The name of a constant, such as `CUSTOM_FIELD`. @param name in upper or lower camel case */
export function constantCase(name: string): string {
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}

/** The name of a field in protobuf and of its column. @param name in lowerCamelCase or snake_case */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
