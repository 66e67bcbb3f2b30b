/** English texts that the first screen may need: one file for each part of the console. */
const files = import.meta.glob<Record<string, string>>('./en/*.json', { eager: true, import: 'default' });

export default Object.assign({}, ...Object.values(files)) as Readonly<Record<string, string>>;
