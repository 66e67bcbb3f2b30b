/** What is wrong with a text or a list that is too short or too long, by the keyword of JSON Schema. */
export const lengthSentences = {
  minLength: (limit: number) => `must have at least ${counted(limit, 'character')}.`,
  maxLength: (limit: number) => `must have at most ${counted(limit, 'character')}.`,
  minItems: (limit: number) => `must have at least ${counted(limit, 'item')}.`,
  maxItems: (limit: number) => `must have at most ${counted(limit, 'item')}.`,
};

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
