import { format, t } from '../../app/language.ts';
import text from '../../style/text.module.css';
import { join, Key } from '../ui.tsx';
import type { Completion, CompletionGroup } from './filter-completion.ts';
import style from './filter.module.css';

interface FilterMenuProps {
  /** Of the list; its options are `<id>-<index>`. */
  id: string;
  groups: readonly CompletionGroup[];
  chosen: Completion | undefined;
  written: string;
  onInsert: (completion: Completion) => void;
}

/**
 * The completions under the caret. They replace one part of the text, where React Aria's combo box would replace all of it, so the
 * input keeps the focus and names the chosen option (ARIA APG, combobox).
 */
export function FilterMenu({ id, groups, chosen, written, onInsert }: FilterMenuProps) {
  const all = groups.flatMap(({ completions }) => completions);
  return (
    <span className={style.menu}>
      <span role="listbox" id={id} aria-label={t('filter.completions')} className={style.groups}>
        {groups.map(({ title, completions }) => (
          <span role="group" aria-label={title} key={title} className={style.group}>
            <span className={style.title} aria-hidden>
              {title}
            </span>
            {completions.map((completion) => (
              <span
                key={completion.insert}
                id={`${id}-${all.indexOf(completion)}`}
                role="option"
                aria-selected={completion === chosen}
                className={style.option}
                // The input keeps its focus.
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => onInsert(completion)}
              >
                <code>
                  <Code code={completion.code} written={written} />
                </code>
                <span className={text.cut}>{completion.name}</span>
                {completion.count !== undefined && (
                  <span className={style.count}>{format.number(completion.count)}</span>
                )}
              </span>
            ))}
          </span>
        ))}
      </span>
      <span className={style.foot}>
        <Key>↑</Key>
        <Key>↓</Key>
        <span>{t('filter.choose')}</span>
        <Key>Tab</Key>
        <span>{t('filter.insert')}</span>
        <span className={text.grow} />
        <a
          className={join(text.link)}
          href="/docs"
          target="_blank"
          rel="noreferrer"
          tabIndex={-1}
          onMouseDown={(event) => event.preventDefault()}
        >
          {t('filter.language')}
        </a>
      </span>
    </span>
  );
}

/** The code, with the part that is written in the accent. */
function Code({ code, written }: { code: string; written: string }) {
  const isStart = code.toLowerCase().startsWith(written.toLowerCase());
  if (written === '' || !isStart) return code;
  return (
    <>
      <b>{code.slice(0, written.length)}</b>
      {code.slice(written.length)}
    </>
  );
}
