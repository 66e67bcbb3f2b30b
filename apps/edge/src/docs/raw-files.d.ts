/** A file as text, which the bundler and the tests put in. */
declare module '*?raw' {
  const text: string;
  export default text;
}
