import type { DescMessage } from '@bufbuild/protobuf';
import type { Usage } from '../rest/json-schema.js';

const suffixes: Readonly<Record<Usage, string>> = {
  output: '',
  view: 'View',
  views: '',
  input: 'Input',
  patch: 'Patch',
  item: 'Item',
};

/**
 * The name of a schema: that of its message without the words of remote procedures. `ListCustomersResponse` is `CustomerList`,
 * `MergeCustomersResponse` is `MergeCustomersResult`. What a message is used for follows, unless its name ends with that. The item of a
 * batch is called after what is done with it, such as `CreateDealItem`; a `LineItem` is an item of another kind.
 */
export function schemaName(message: DescMessage, usage: Usage): string {
  const [, list] = /^List(\w+)Response$/.exec(message.name) ?? [];
  if (list !== undefined) return listName(message, list);
  if (message.name.endsWith('Response') && !isRecord(message)) return resultName(message);
  const subject = message.name.replace(/Input$/, '');
  const suffix = suffixes[usage];
  const isOfBatch = usage !== 'item' || /^(?:Create|Update|Delete)/.test(subject);
  return isOfBatch && subject.endsWith(suffix) ? subject : subject + suffix;
}

/** Whether a message is a record, which has a version. A survey has responses that answer no call. */
function isRecord({ fields }: DescMessage): boolean {
  return fields.some(({ name }) => name === 'etag') && fields.some(({ name }) => name === 'create_time');
}

function listName(message: DescMessage, subject: string): string {
  const item = message.fields.find(({ fieldKind, message: of }) => fieldKind === 'list' && of)?.message?.name ?? '';
  // The plural of a name begins like it: StageEntry, StageEntries.
  return item !== '' && subject.startsWith(item.slice(0, -1)) ? `${item}List` : subject;
}

function resultName({ name, file }: DescMessage): string {
  const result = name.replace(/Response$/, 'Result');
  return file.messages.some((other) => other.name === result) ? `${result}s` : result;
}
