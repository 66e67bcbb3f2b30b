import { check, sleep } from 'k6';
import { variable } from '../variables.ts';
import { Api, uniqueText, type Customer } from './api.ts';
import type { Scenario } from './scenario.ts';

const fileBytes = 64 * 1024;
const rangeBytes = 1024;
/** Think time after listing the files of a record, in seconds. */
const lookSeconds = 2;

/** Adds a file to a customer, renames it, reads its first bytes, and lists the customer's files. */
export function files(baseUrl: string): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  return {
    protocol: 'http',
    operations: ['CreateFileUpload', 'UploadFile', 'UpdateFile', 'DownloadFile', 'ListFiles'],
    setup: () => recordOf(api),
    run(data) {
      const record = data as string;
      const name = `${uniqueText()}.txt`;
      const { body: upload } = api.send<{ id: string }>('POST', 'CreateFileUpload', '/v1/fileUploads', {
        record,
        name,
      });
      const path = `/v1/fileUploads/${upload?.id ?? ''}/content`;
      const { body: whole } = api.send<{ file?: { sizeBytes: number } }>(
        ...(['PUT', 'UploadFile', path] as const),
        name.padEnd(fileBytes, '.'),
        'text/plain',
      );
      check(whole, { 'a file is stored': (stored) => stored?.file?.sizeBytes === fileBytes });
      const file = `/v1/files/${upload?.id ?? ''}`;
      const { body: renamed } = api.send<{ name: string }>('PATCH', 'UpdateFile', file, { name: `final-${name}` });
      check(renamed, { 'a file is renamed': (changed) => changed?.name === `final-${name}` });
      const part = api.range('DownloadFile', `${file}:download`, `bytes=0-${rangeBytes - 1}`);
      check(part, { 'a range is answered': ({ status, length }) => status === 206 && length === rangeBytes });
      const { body: list } = api.get<{ files: { name: string }[] }>('ListFiles', `/v1/files?record=${record}`);
      check(list, { 'the record has files': (page) => (page?.files.length ?? 0) > 0 });
      sleep(lookSeconds);
    },
  };
}

/** @throws Error, which ends the run, when the tenant has no customers */
function recordOf(api: Api): string {
  const { status, body } = api.get<{ customers?: Customer[] }>('ListCustomers', '/v1/customers?pageSize=1');
  const [first] = body?.customers ?? [];
  if (!first) throw new Error(`The tenant has no customers to work with (${status}).`);
  return `customers/${first.id}`;
}
