import { labels, t } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { Chip, type IconType, type Tone } from '../ui.tsx';

interface StateChipProps {
  record: Json | undefined;
  /** Enum of its states, such as `FlowState`. */
  of: string;
  /** Of states that are not quiet. */
  tones?: Readonly<Record<string, Tone>>;
}

/** The state of a record, with its active version where it has one. */
export function StateChip({ record, of, tones = { ACTIVE: 'good' } }: StateChipProps) {
  const [state, version] = [textAt(record, 'state'), textAt(record, 'activeVersion')];
  const name = labels.value(of, state);
  return (
    <Chip tone={tones[state] ?? 'quiet'}>
      {version === '' ? name : `${name}, ${t('timeline.version', { version })}`}
    </Chip>
  );
}

/** An operation that is possible in some states of a record. */
export interface StateAct {
  verb: string;
  icon: IconType;
  states: readonly string[];
  body?: Json;
}

/** What can be done with a record in its state, as far as the session may. */
export function useActs<Act extends StateAct>(acts: readonly Act[], record: Json | undefined): readonly Act[] {
  const may = useMay();
  return acts.filter(({ verb, states }) => states.includes(textAt(record, 'state')) && may(verb));
}
