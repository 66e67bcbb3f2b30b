/** Chinese texts: one file for each part of the console. */
const files = import.meta.glob<Record<string, string>>('./zh-CN/*.json', { eager: true, import: 'default' });

export default Object.assign({}, ...Object.values(files)) as Readonly<Record<string, string>>;
