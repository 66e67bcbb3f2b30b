import { Link2 } from 'lucide-react';
import { useTitles } from '../../kit/record/names.tsx';
import { t } from '../../app/language.ts';
import { textAt, type Json } from '../../contract/api.ts';
import { Button, Chip, Face, Ticks } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import style from './conflicts.module.css';

/** Customers that a record of the other side may be, most likely first. */
export function Candidates({
  candidates,
  onLink,
}: {
  candidates: readonly Json[];
  onLink: (customerId: string) => void;
}) {
  const names = useTitles(
    'customers',
    candidates.map((each) => textAt(each, 'customerId')),
  );
  return (
    <ul className={style.candidates} aria-label={t('conflicts.candidates')}>
      {candidates.map((each) => {
        const id = textAt(each, 'customerId');
        const name = names.get(id) ?? textAt(each, 'recordId');
        const score = Number(each.score);
        const reasons = Array.isArray(each.reasons) ? each.reasons.map(String) : [];
        return (
          <li key={`${id} ${textAt(each, 'recordId')}`}>
            <Face name={name} size="middle" />
            <span className={text.grow}>
              {name}
              <span className={text.row}>
                {reasons.map((reason) => (
                  <Chip key={reason}>{t(`conflicts.reason.${reason}`)}</Chip>
                ))}
                {each.linked === true && <Chip tone="info">{t('conflicts.linked')}</Chip>}
              </span>
            </span>
            <Ticks label={t('duplicates.score', { score })} value={score / 100} />
            {id !== '' && (
              <Button icon={Link2} onPress={() => onLink(id)}>
                {t('conflicts.choice.LINK')}
              </Button>
            )}
          </li>
        );
      })}
    </ul>
  );
}
