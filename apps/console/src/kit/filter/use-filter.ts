import {
  useEffect,
  useEffectEvent,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type RefObject,
} from 'react';
import type { Resource } from '../../contract/contract.ts';
import type { Json } from '../../contract/json.ts';
import {
  namedBy,
  useCompletions,
  type Completion,
  type CompletionGroup,
  type FilterName,
} from './filter-completion.ts';
import { contextAt, isWhole, scan, type Context } from './filter-language.ts';

/** A pause in typing after which a whole filter is applied. */
const pauseMs = 400;

interface FilterState {
  text: string;
  /** Whether the text is what the list shows. */
  isApplied: boolean;
  context: Context | undefined;
  groups: readonly CompletionGroup[];
  chosen: Completion | undefined;
  type: (text: string, caret: number) => void;
  setCaret: (caret: number | undefined) => void;
  insert: (completion: Completion) => void;
  apply: (text: string) => void;
  onKey: (event: KeyboardEvent) => void;
  onLeave: () => void;
}

export interface FilterSource {
  resource: Resource;
  /** Parameters of the path of the list. */
  parameters: Json;
  names: readonly FilterName[];
  value: string;
  onChange: (text: string) => void;
}

/** A filter while it is written: its text, and the completions of the part at the caret. */
export function useFilter(source: FilterSource, input: RefObject<HTMLInputElement | null>): FilterState {
  const { resource, parameters, names, value, onChange } = source;
  const [draft, setDraft] = useState({ of: value, text: value });
  const [caret, setCaret] = useState<number>();
  const [option, setOption] = useState(-1);
  // A filter of elsewhere, such as another view, replaces the text.
  if (draft.of !== value) setDraft({ of: value, text: draft.text === value ? draft.text : value });
  const { text } = draft;
  const context =
    caret === undefined ? undefined : contextAt(text, caret, (word) => namedBy(names, word) !== undefined);
  const groups = useCompletions(resource, parameters, names, context);
  const completions = groups.flatMap((group) => group.completions);
  // The first one is chosen as soon as a part of it is written.
  const first = context && context.written !== '' ? completions[0] : undefined;
  const chosen = option < 0 ? first : completions[option];

  const apply = (next: string) => {
    setDraft({ of: value, text: next });
    if (next !== value) onChange(next);
  };
  const type = (next: string, place: number) => {
    setDraft({ of: value, text: next });
    setCaret(place);
    setOption(-1);
  };
  const place = useRef<number>(undefined);
  const insert = (completion: Completion) => {
    if (!context) return;
    place.current = context.from + completion.insert.length;
    type(text.slice(0, context.from) + completion.insert + text.slice(context.to).trimStart(), place.current);
  };
  // Before the next key, which would go to the end.
  useLayoutEffect(() => {
    if (place.current !== undefined) input.current?.setSelectionRange(place.current, place.current);
    place.current = undefined;
  }, [text, input]);
  // A value of which a part is written is not asked for.
  const isPart = context?.kind === 'value' && first !== undefined && first.code !== context.written;
  useDelayed(text, text !== value && !isPart && isReady(text, names), apply);
  const onKey = useKeys({ context, completions, chosen, insert, setOption, setCaret, apply: () => apply(text.trim()) });
  return {
    text,
    isApplied: text === value,
    context,
    groups,
    chosen,
    type,
    setCaret,
    insert,
    apply,
    onKey,
    onLeave: () => {
      setCaret(undefined);
      if (isWhole(scan(text))) apply(text.trim());
    },
  };
}

/** Applies a text that has not changed for a while. */
function useDelayed(text: string, isDue: boolean, apply: (text: string) => void): void {
  const applyNow = useEffectEvent(apply);
  useEffect(() => {
    if (!isDue) return undefined;
    const timer = setTimeout(() => applyNow(text), pauseMs);
    return () => clearTimeout(timer);
  }, [isDue, text]);
}

interface Keys {
  context: Context | undefined;
  completions: readonly Completion[];
  chosen: Completion | undefined;
  insert: (completion: Completion) => void;
  setOption: (option: number) => void;
  setCaret: (caret: number | undefined) => void;
  apply: () => void;
}

function useKeys({ context, completions, chosen, insert, setOption, setCaret, apply }: Keys) {
  const step = (by: number) => {
    const from = chosen ? completions.indexOf(chosen) : Math.min(0, -by);
    setOption((from + by + completions.length) % completions.length);
  };
  const enter = () => {
    if (chosen && chosen.code !== context?.written) return insert(chosen);
    setCaret(undefined);
    apply();
  };
  const keys: Readonly<Record<string, (() => void) | false | undefined>> = {
    ArrowDown: completions.length > 0 && (() => step(1)),
    ArrowUp: completions.length > 0 && (() => step(-1)),
    Tab: chosen && (() => insert(chosen)),
    Enter: enter,
  };
  return (event: KeyboardEvent) => {
    // While an input method composes, its keys are its own.
    if (event.nativeEvent.isComposing || event.shiftKey) return;
    if (event.key === 'Escape') {
      // One step back: to the screen, where its keys work.
      if (!context) document.getElementById('main')?.focus({ preventScroll: true });
      setCaret(undefined);
      return;
    }
    const run = keys[event.key];
    if (!run) return;
    event.preventDefault();
    run();
  };
}

/** Whether a text is a filter that can be asked, rather than one that is being written: `life` may become a field. */
function isReady(text: string, names: readonly FilterName[]): boolean {
  const found = scan(text);
  const last = found.tokens.at(-1);
  const start = last?.kind === 'search' && !/\s$/.test(text) ? last.text.replaceAll('_', '').toLowerCase() : undefined;
  const mayBeField = start !== undefined && names.some(({ path }) => path.toLowerCase().startsWith(start));
  return isWhole(found) && !mayBeField;
}
