import type { DescMessage } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { FieldViolation } from '@rapport/platform';
import { ProblemForm } from '../gen/rapport/api/v1/options.js';
import { createProblem, jsonPointer, pathSteps, type Problem, type ProblemSource } from './problem.js';

type Message = Record<string, unknown>;

const option = 'rapport.api.v1.problem';
const knownFields = ['code', 'reason', 'message', 'violations'];

/** Converts a message to a problem; undefined when it has no such form. */
export function problemForm(desc: DescMessage): ProblemForm | undefined {
  const number = desc.file.dependencies
    .flatMap(({ extensions }) => extensions)
    .find(({ typeName }) => typeName === option)?.number;
  const bytes = desc.proto.options?.$unknown?.find(({ no }) => no === number)?.data;
  return bytes && ProblemForm.decode(new BinaryReader(bytes).bytes());
}

/**
 * Writes a message as the problem that it represents.
 *
 * @param index index of the message, or of the one that contains it, in the list of an answer
 */
export function problemWriter(
  desc: DescMessage,
  { items }: ProblemForm,
): (message: Message, index?: number) => Problem {
  for (const name of ['code', 'reason', 'message'] as const) {
    if (!desc.field[name]) throw new Error(`${desc.typeName}: a problem needs the field ${name}.`);
  }
  const facts = desc.fields.filter(({ name }) => !knownFields.includes(name)).map(({ jsonName }) => jsonName);
  return (message, index) => {
    const place = items === '' || index === undefined ? [] : [items, String(index)];
    const violations = (message['violations'] ?? []) as FieldViolation[];
    const errors = violations.map(({ field, reason, description }) => ({
      in: 'body' as const,
      pointer: jsonPointer([...place, ...pathSteps(field)]),
      code: reason,
      detail: description,
    }));
    const known = facts.flatMap((name) => (message[name] === undefined ? [] : [[name, message[name] as string]]));
    const metadata = Object.fromEntries(known) as Record<string, string>;
    return createProblem({ ...(message as unknown as ProblemSource), metadata }, errors);
  };
}
