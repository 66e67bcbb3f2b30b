import { useState } from 'react';
import { labels, t } from '../../../app/language.ts';
import { textAt } from '../../../contract/json.ts';
import { FormFault } from '../../../kit/form/form-faults.tsx';
import { Segments } from '../../../kit/form/segments.tsx';
import { Timeline } from '../../../kit/record/timeline.tsx';
import { Button } from '../../../kit/ui.tsx';
import type { Item } from '../item.ts';
import style from '../record.module.css';
import { useSave } from '../save.ts';
import { useGoTo } from './ruler.tsx';

/** What happened to the record, the latest first. */
export function History({ item }: { item: Item }) {
  const goTo = useGoTo();
  const [kind, setKind] = useState('');
  const { save, error } = useSave(item, item.now);
  const { changes, asOf, isDeleted, may, resource } = item;
  const kinds = [...new Set(changes.map((change) => textAt(change, 'operation')))];
  const canRestore = may(resource.update) && asOf === undefined && !isDeleted;
  return (
    <>
      <header className={style.kinds}>
        <Segments
          small
          label={t('timeline.filter')}
          value={kind}
          onChange={setKind}
          options={[
            { id: '', name: t('timeline.everything') },
            ...kinds.map((id) => ({ id, name: labels.value('ChangeOperation', id) })),
          ]}
        />
      </header>
      <FormFault error={error} names={[]} />
      <Timeline
        changes={kind === '' ? changes : changes.filter((change) => change.operation === kind)}
        fieldOf={item.fieldOf}
        message={resource.message}
        onRestore={canRestore ? ({ field, before }) => void save({ [field.name]: before ?? null }) : undefined}
        onGo={(change) => goTo(textAt(change, 'time'))}
        current={
          asOf === undefined
            ? undefined
            : textAt(
                changes.find(({ time }) => time === asOf),
                'id',
              )
        }
      />
      {item.moreChanges && (
        <p className={style.load}>
          <Button onPress={item.moreChanges}>{t('timeline.more')}</Button>
        </p>
      )}
    </>
  );
}
