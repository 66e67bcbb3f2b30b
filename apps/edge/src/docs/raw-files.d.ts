/** A file as text, which the bundler and the tests put in. */
declare module '*?raw' {
  const text: string;
  export default text;
}

interface ImportMeta {
  /** The files of a pattern by their relative paths, which the bundler and the tests put in. */
  glob<File>(pattern: string, options: { query: '?raw'; import: 'default'; eager: true }): Record<string, File>;
}
