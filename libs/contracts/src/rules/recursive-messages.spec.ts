import { create, createFileRegistry, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { Contract } from '../descriptors/load-contract.js';
import { fileDescriptorSet } from '../gen/descriptors.js';
import { maskText, PersonalDataMask } from './personal-data-mask.js';

/** The platform's contract, and people in households, in which there are people. */
function recursiveContract() {
  const set = fromBinary(FileDescriptorSetSchema, fileDescriptorSet);
  const customer = set.file.flatMap(({ messageType }) => messageType).find(({ name }) => name === 'Customer');
  const { options } = customer?.field.find(({ name }) => name === 'given_name') ?? {};
  const household = { name: 'household', jsonName: 'household', number: 1, type: Type.MESSAGE };
  const members = { name: 'members', jsonName: 'members', number: 1, type: Type.MESSAGE, label: Label.REPEATED };
  set.file.push(
    create(FileDescriptorProtoSchema, {
      name: 'test/people.proto',
      package: 'test',
      syntax: 'proto3',
      dependency: ['rapport/api/v1/options.proto'],
      messageType: [
        {
          name: 'Person',
          field: [
            { ...household, label: Label.OPTIONAL, typeName: '.test.Household' },
            {
              name: 'name',
              jsonName: 'name',
              number: 2,
              type: Type.STRING,
              label: Label.OPTIONAL,
              ...(options && { options }),
            },
          ],
        },
        { name: 'Household', field: [{ ...members, typeName: '.test.Person' }] },
      ],
    }),
  );
  const registry = createFileRegistry(set);
  const messageOf = (name: string) => registry.getMessage(name) ?? expect.unreachable(`There is no ${name}.`);
  return {
    contract: new Contract(toBinary(FileDescriptorSetSchema, set)),
    person: messageOf('test.Person'),
    household: messageOf('test.Household'),
  };
}

test('personal data is hidden in messages that contain each other, whichever is used first', () => {
  const { contract, person, household } = recursiveContract();
  const ada = { name: 'Ada', household: { members: [{ name: 'Bob', household: { members: [{ name: 'Cleo' }] } }] } };
  const hidden = {
    name: maskText,
    household: { members: [{ name: maskText, household: { members: [{ name: maskText, household: undefined }] } }] },
  };

  for (const first of [person, household]) {
    const mask = new PersonalDataMask(contract);
    mask.fieldNames(first);
    expect(mask.hide(person, ada)).toEqual(hidden);
    expect(mask.hide(household, ada.household)).toEqual(hidden.household);
  }
});
