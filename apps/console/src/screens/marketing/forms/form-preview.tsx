import { t } from '../../../app/language.ts';
import { itemsAt, textAt, type Json } from '../../../contract/json.ts';
import { Chip, text } from '../../../kit/ui.tsx';
import { useFirst } from '../../../kit/form/choices.ts';
import style from './forms.module.css';

/** The page of a form as visitors see it. Nothing in it can be filled in. */
export function FormPreview({ form, shown, locale }: { form: Json | undefined; shown: Json; locale: string }) {
  const texts = itemsAt(shown, 'texts').find((each) => each.locale === locale);
  const topics = useFirst('topics');
  const keys = Array.isArray(shown.topicKeys) ? shown.topicKeys.map(String) : [];
  const labelOf = (key: string, label: string) =>
    textAt(
      itemsAt(texts, 'labels').find((each) => each.key === key),
      'label',
    ) || label;
  return (
    <section aria-label={t('publicForm.preview')} className={style.preview}>
      <h2>{t('publicForm.preview')}</h2>
      <div className={style.page} inert>
        <h3>{textAt(texts, 'title') || textAt(shown, 'name') || '…'}</h3>
        {textAt(texts, 'description') !== '' && <p className={text.two}>{textAt(texts, 'description')}</p>}
        {itemsAt(shown, 'fields').map((field) => (
          <Field
            key={textAt(field, 'key')}
            field={field}
            label={labelOf(textAt(field, 'key'), textAt(field, 'label'))}
          />
        ))}
        {keys.length > 0 && (
          <div className={text.stack}>
            <p>{textAt(texts, 'consent')}</p>
            {keys.map((key) => (
              <p key={key} className={text.row}>
                <i className={style.box} />
                {labelOf(
                  key,
                  textAt(
                    topics.find((topic) => topic.key === key),
                    'name',
                  ) || key,
                )}
              </p>
            ))}
          </div>
        )}
        <span className={style.button}>{textAt(texts, 'button') || t('publicForm.button')}</span>
      </div>
      {textAt(form, 'state') === 'DRAFT' && <p className={text.meta}>{t('publicForm.draft')}</p>}
      {shown.isDoubleOptIn === true && keys.length > 0 && (
        <p>
          <Chip tone="info">{t('publicForm.twice')}</Chip>
        </p>
      )}
    </section>
  );
}

function Field({ field, label }: { field: Json; label: string }) {
  const kind = textAt(field, 'kind');
  const name = field.isRequired === true ? `${label} *` : label;
  if (kind === 'CHECKBOX')
    return (
      <p className={text.row}>
        <i className={style.box} />
        {name}
      </p>
    );
  const options = Array.isArray(field.options) ? field.options.map(String) : [];
  return (
    <p className={style.entry} data-kind={kind}>
      <span>{name}</span>
      <i>{kind === 'CHOICE' ? `${options[0] ?? ''} ▾` : ''}</i>
    </p>
  );
}

/** A link to the page, for another site. */
export function embedOf(form: Json, address: string): string {
  return `<a href="${address}">${textAt(form, 'name').replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</a>`;
}
