/** The variables that a child process inherits; its caller sets all others. */
export function childEnvironment(own: Record<string, string>): Record<string, string> {
  const inherited = ['PATH', 'HOME', 'TZ', 'LANG', 'LOG_LEVEL', 'NODE_COMPILE_CACHE'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(inherited), ...own };
}
