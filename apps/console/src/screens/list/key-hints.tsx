import { t } from '../../app/language.ts';
import { Key } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import style from './list.module.css';
import type { Rows } from './use-rows.ts';

/** The keys of the list, and how much of it is loaded. */
export function KeyHints({ shown, data, canSelect }: { shown: number; data: Rows; canSelect: boolean }) {
  return (
    <footer className={style.hints}>
      <Hint keys={['J', 'K']} name={t('list.hint.move')} />
      {canSelect && <Hint keys={['X']} name={t('list.hint.select')} />}
      <Hint keys={['↵']} name={t('list.hint.open')} />
      <Hint keys={['Space']} name={t('list.hint.peek')} />
      {canSelect && <Hint keys={['E']} name={t('list.hint.edit')} />}
      <Hint keys={['/']} name={t('list.hint.filter')} />
      <Hint keys={['?']} name={t('list.hint.all')} />
      <span className={text.grow} />
      {shown > 0 && (
        <span className={text.faint} role="status">
          {t(data.hasMore ? 'list.loaded' : 'list.loadedAll', { count: shown })}
        </span>
      )}
    </footer>
  );
}

function Hint({ keys, name }: { keys: readonly string[]; name: string }) {
  return (
    <span className={style.hint}>
      {keys.map((key) => (
        <Key key={key}>{key}</Key>
      ))}
      {name}
    </span>
  );
}
