import { theContract } from '../../contract/contract.ts';
import type { Option } from './choose.tsx';
import { FormRow } from './form.tsx';
import type { Draft } from './use-draft.ts';

interface DraftFieldProps {
  draft: Draft;
  /** Of the record, such as `Campaign`. */
  message: string;
  name: string;
  /** Values to choose from, in place of those of the contract. */
  options?: readonly Option[];
  /** In one line, however long its text may be. */
  isLine?: boolean;
  isExplained?: boolean;
  autoFocus?: boolean;
}

/** One field of a record that is edited. */
export function DraftField({ draft, message, name, options, isLine, isExplained, autoFocus }: DraftFieldProps) {
  const field = theContract().field(message, name) ?? { name, type: 'text' as const };
  return (
    <FormRow
      message={message}
      field={{ ...field, ...(options && { options }), ...(isLine && { maxLength: 300 }) }}
      value={draft.shown}
      onChange={(next) => draft.change({ [name]: next[name] })}
      faults={draft.faults}
      isBrief={!isExplained}
      autoFocus={autoFocus}
    />
  );
}
