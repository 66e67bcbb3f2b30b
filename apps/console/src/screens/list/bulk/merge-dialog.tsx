import { useState } from 'react';
import { Radio, RadioGroup } from 'react-aria-components';
import { useLanguage } from '../../../app/language.ts';
import { call, Problem, textAt, valueAt, type Json } from '../../../contract/api.ts';
import type { Resource } from '../../../contract/contract.ts';
import { titleOf } from '../../../hints/hints.ts';
import { Dialog } from '../../../kit/overlay.tsx';
import { Button } from '../../../kit/ui.tsx';
import text from '../../../style/text.module.css';
import style from '../list.module.css';

interface MergeDialogProps {
  resource: Resource;
  verb: string;
  /** Two. */
  records: readonly Json[];
  onClose: () => void;
  onMerged: (verb: string, merge: Json) => Promise<void>;
}

/** Asks which of two records survives. The other one's values fill its gaps. */
export function MergeDialog({ resource, verb, records, onClose, onMerged }: MergeDialogProps) {
  const { t, format } = useLanguage();
  const [survivor, setSurvivor] = useState(textAt(records[0], 'id'));
  const [error, setError] = useState<string>();
  const merge = async () => {
    const other = records.find((record) => textAt(record, 'id') !== survivor);
    const kept = records.find((record) => textAt(record, 'id') === survivor);
    try {
      const body = { mergedId: textAt(other, 'id'), mergedEtag: textAt(other, 'etag') };
      const answer = await call(verb, { id: survivor }, { body, ifMatch: textAt(kept, 'etag') });
      onClose();
      await onMerged(verb, valueAt(answer, 'merge') as Json);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      setError(problem.message);
    }
  };
  return (
    <Dialog
      title={t('list.mergeTitle')}
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>{t('list.cancel')}</Button>
          <Button kind="primary" onPress={() => void merge()}>
            {t('list.merge')}
          </Button>
        </>
      }
    >
      <RadioGroup value={survivor} onChange={setSurvivor} className={style.form} aria-label={t('list.survivor')}>
        <p className={text.two}>{t('list.mergeHelp')}</p>
        {records.map((record) => (
          <Radio key={textAt(record, 'id')} value={textAt(record, 'id')} className={style.pick}>
            <span className={text.strong}>{titleOf(record, resource)}</span>
            <span className={text.meta}>
              {t('list.createdAt', { time: format.exactTime(textAt(record, 'createTime')) })}
            </span>
          </Radio>
        ))}
        {error !== undefined && (
          <p className={style.error} role="alert">
            {error}
          </p>
        )}
      </RadioGroup>
    </Dialog>
  );
}
