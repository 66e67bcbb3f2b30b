import { labels, t } from '../../app/language.ts';
import { textAt, type Json } from '../../contract/api.ts';
import { Select } from '../../kit/form/field.tsx';
import { Chip } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import style from './imports.module.css';

/** The columns of a file with the fields that they go to. With `onChoose` another field can be chosen for each. */
export function MappedColumns({ columns, fields = [], chosen = {}, onChoose }: MappedColumnsProps) {
  if (columns.length === 0) return null;
  return (
    <section className={style.columns}>
      <h3>{t('imports.columns')}</h3>
      <ul>
        {columns.map((column) => {
          const name = textAt(column, 'column');
          const field = textAt(column, 'field');
          const suggested = textAt(column, 'suggestedField');
          const reason = labels.value('ImportColumn.Reason', textAt(column, 'reason'));
          return (
            <li key={name}>
              <code className={text.cut} title={name}>
                {name}
              </code>
              {onChoose ? (
                <Select
                  label={t('imports.fieldOf', { column: name })}
                  isHiddenLabel
                  options={optionsOf(fields, field, suggested, t('imports.skip'))}
                  value={chosen[name] ?? (field || suggested || skipped)}
                  onChange={(id) => onChoose(name, id)}
                />
              ) : (
                <span>{field === '' ? <span className={text.faint}>{t('imports.skip')}</span> : field}</span>
              )}
              <span className={text.row}>
                <span className={text.meta}>{reason}</span>
                {field === '' && suggested !== '' && (
                  <Chip tone="info">{t('imports.suggested', { field: suggested })}</Chip>
                )}
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

interface MappedColumnsProps {
  columns: readonly Json[];
  /** Fields that a column can go to, in the spelling of `map`. */
  fields?: readonly string[];
  /** The chosen field by the column's name; `skipped` for none. */
  chosen?: Readonly<Record<string, string>>;
  onChoose?: (column: string, field: string) => void;
}

/** The choice of no field: an id can not be empty in a list. */
export const skipped = '-';

function optionsOf(fields: readonly string[], field: string, suggested: string, skip: string) {
  const known = [...new Set([field, suggested, ...fields])].filter((each) => each !== '');
  return [{ id: skipped, name: skip }, ...known.map((id) => ({ id, name: id }))];
}
