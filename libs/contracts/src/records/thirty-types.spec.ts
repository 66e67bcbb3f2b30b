import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { Contract } from '../descriptors/load-contract.js';
import { fileDescriptorSet } from '../gen/descriptors.js';
import { openApiDocument } from '../open-api/open-api.js';
import { restRoutes } from '../rest/rest-routes.js';
import { recordContracts } from './record-contract.js';

/** Largest document of a platform with thirty types of records, in bytes. */
const maxDocumentSize = 3_000_000;

/** The platform's contract with copies of deals and their service under other names. */
function contractWith(types: number): Contract {
  const set = fromBinary(FileDescriptorSetSchema, fileDescriptorSet);
  const files = ['rapport/sales/v1/deal.proto', 'rapport/sales/v1/deals_service.proto'].map(
    (name) => set.file.find((file) => file.name === name) ?? expect.unreachable(`There is no ${name}.`),
  );
  const known = recordContracts(new Contract(fileDescriptorSet)).length;
  for (let number = known; number < types; number += 1) {
    // As long as the name of deals, since options have lengths of their texts in them.
    const name = `Z${String.fromCharCode(97 + Math.floor(number / 26), 97 + (number % 26))}q`;
    for (const file of files) {
      const text = Buffer.from(toBinary(FileDescriptorProtoSchema, file)).toString('latin1');
      const copy = text.replaceAll('Deal', name).replaceAll('deal', name.toLowerCase());
      set.file.push(fromBinary(FileDescriptorProtoSchema, Buffer.from(copy, 'latin1')));
    }
  }
  return new Contract(toBinary(FileDescriptorSetSchema, set));
}

/** What a contract costs the edge: bytes of its document, MiB of memory and milliseconds of processor time. */
function costOf(make: () => Contract) {
  const [heap, cpu] = [process.memoryUsage().heapUsed, process.cpuUsage()];
  const contract = make();
  const routes = restRoutes(contract);
  const bytes = JSON.stringify(openApiDocument(contract, routes, '1')).length;
  const { user, system } = process.cpuUsage(cpu);
  const megabytes = Math.round((process.memoryUsage().heapUsed - heap) / 2 ** 20);
  return {
    types: recordContracts(contract).length,
    routes: routes.length,
    bytes,
    megabytes,
    ms: (user + system) / 1_000,
  };
}

/** Types that are added to those of the platform, of which there are more than thirty. */
const added = 5;

test('a document has at most 3 MB for thirty types of records', () => {
  const now = costOf(() => new Contract(fileDescriptorSet));
  const more = costOf(() => contractWith(now.types + added));

  process.stdout.write(`contracts: ${JSON.stringify([now, more])}\n`);
  expect(more.types).toBe(now.types + added);
  expect(more.routes - now.routes).toBe(added * 15);
  const bytesOfType = (more.bytes - now.bytes) / added;
  expect(now.bytes - (now.types - 30) * bytesOfType).toBeLessThan(maxDocumentSize);
});
