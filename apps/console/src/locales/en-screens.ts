/** English texts that only screens other than the first one show. */
const files = import.meta.glob<Record<string, string>>('./en/screens/*.json', { eager: true, import: 'default' });

export default Object.assign({}, ...Object.values(files)) as Readonly<Record<string, string>>;
