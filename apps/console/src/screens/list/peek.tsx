import { X } from 'lucide-react';
import { t } from '../../app/language.ts';
import { useShortcut } from '../../app/shortcuts.ts';
import type { Json } from '../../contract/api.ts';
import { IconButton } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import type { ListColumn } from './columns.tsx';
import style from './list.module.css';

/** The values of the row at the cursor, beside the list. */
export function Peek({ row, columns, onClose }: { row: Json; columns: readonly ListColumn[]; onClose: () => void }) {
  useShortcut('escape', 'list.key.closePeek', onClose);
  const [name, ...others] = columns;
  const filled = others.filter((column) => {
    const value = column.valueOf(row);
    return value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0);
  });
  return (
    <aside className={style.peek} aria-label={t('list.peek')} tabIndex={0}>
      <header className={style.peekHead}>
        {name?.cell(row)}
        <span className={text.grow} />
        <IconButton small icon={X} name={t('kit.close')} shortcut="Esc" onPress={onClose} />
      </header>
      <dl>
        {filled.map((column) => (
          <div key={column.id} className={style.fact}>
            <dt>{column.name}</dt>
            <dd>{column.cell(row)}</dd>
          </div>
        ))}
      </dl>
    </aside>
  );
}
