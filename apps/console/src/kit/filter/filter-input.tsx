import { ListFilter, TriangleAlert, X } from 'lucide-react';
import { useId, useRef } from 'react';
import { t } from '../../app/language.ts';
import { Icon, IconButton, join, Key } from '../ui.tsx';
import { FilterMenu } from './filter-menu.tsx';
import { FilterText, type FilterFault } from './filter-text.tsx';
import { useFilter, type FilterSource } from './use-filter.ts';
import style from './filter.module.css';

export interface FilterInputProps extends FilterSource {
  fault: FilterFault | undefined;
}

/** The filter language in one line, with completions of the part at the caret. */
export function FilterInput({ fault, ...source }: FilterInputProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const state = useFilter(source, input);
  const { text, context, groups, chosen, setCaret } = state;
  const completions = groups.flatMap((group) => group.completions);
  const isOpen = context !== undefined && completions.length > 0;
  const shownFault = state.isApplied ? fault : undefined;
  const menu = isOpen ? (
    <FilterMenu id={id} groups={groups} chosen={chosen} written={context.written} onInsert={state.insert} />
  ) : undefined;
  return (
    <div className={style.filter}>
      <div className={join(style.box, shownFault && style.faulty)}>
        <Icon of={ListFilter} />
        <FilterText text={text} fault={shownFault} anchor={context?.from} menu={menu}>
          <input
            ref={input}
            value={text}
            role="combobox"
            aria-label={t('filter.label')}
            aria-expanded={isOpen}
            aria-controls={id}
            aria-autocomplete="list"
            aria-activedescendant={isOpen && chosen ? `${id}-${completions.indexOf(chosen)}` : undefined}
            aria-invalid={shownFault !== undefined}
            aria-describedby={shownFault && `${id}-fault`}
            data-filter
            spellCheck={false}
            autoComplete="off"
            autoCapitalize="off"
            placeholder={t('filter.example')}
            onChange={({ target }) => state.type(target.value, target.selectionStart ?? target.value.length)}
            onSelect={({ currentTarget }) => context && setCaret(currentTarget.selectionStart ?? 0)}
            onClick={({ currentTarget }) => setCaret(currentTarget.selectionStart ?? 0)}
            onKeyDown={state.onKey}
            onBlur={state.onLeave}
          />
        </FilterText>
        {text === '' ? (
          <Key>/</Key>
        ) : (
          <IconButton small icon={X} name={t('filter.clear')} onPress={() => state.apply('')} />
        )}
      </div>
      {shownFault && (
        <p id={`${id}-fault`} className={style.fault} role="alert">
          <Icon of={TriangleAlert} small />
          {shownFault.text}
        </p>
      )}
    </div>
  );
}
