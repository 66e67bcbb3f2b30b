import { useState } from 'react';
import { keyOfName } from '../../../app/labels.ts';
import { labels, t } from '../../../app/language.ts';
import { useMay } from '../../../app/resource.ts';
import { Bar } from '../../../app/shell/shell.tsx';
import { itemsAt, textAt, type Json } from '../../../contract/json.ts';
import { Crumbs } from '../../../kit/crumbs.tsx';
import { Editor, Pair, Section } from '../../../kit/editor.tsx';
import { DraftField } from '../../../kit/form/draft-field.tsx';
import { TextField } from '../../../kit/form/field.tsx';
import { FormFault } from '../../../kit/form/form-faults.tsx';
import { FormRow, inputsOf } from '../../../kit/form/form.tsx';
import { SaveButton } from '../../../kit/form/save-button.tsx';
import { Segments } from '../../../kit/form/segments.tsx';
import { useDraft, type Draft } from '../../../kit/form/use-draft.ts';
import { copyText } from '../../../kit/notices.ts';
import { MenuItem } from '../../../kit/overlay.tsx';
import { RecordOfAddress } from '../../../kit/record-of-address.tsx';
import { StateChip } from '../../../kit/record/states.tsx';
import { Button, icons } from '../../../kit/ui.tsx';
import { optionsOf, useFirst } from '../../../kit/form/choices.ts';
import { RecordMenu } from '../../../kit/record/record-menu.tsx';
import { useGoOn } from '../../../kit/use-go-on.ts';
import { FormFields } from './form-fields.tsx';
import { embedOf, FormPreview } from './form-preview.tsx';

/** A public form: its fields, topics and texts, beside the page that visitors see. */
export function FormScreen() {
  return <RecordOfAddress get="getForm">{(form) => <FormEditor form={form} />}</RecordOfAddress>;
}

const begin: Json = {
  state: 'DRAFT',
  fields: [{ key: 'email', label: t('publicForm.email'), kind: 'EMAIL', isRequired: true, customerField: 'email' }],
  isDoubleOptIn: true,
  proof: 'POW',
  minSeconds: 3,
};

const languages = ['en', 'zh-CN', 'de', 'fr', 'es'] as const;

function FormEditor({ form }: { form: Json | undefined }) {
  const navigate = useGoOn();
  const may = useMay();
  const [locale, setLocale] = useState<string>('en');
  const draft = useDraft({
    resource: 'forms',
    record: form,
    begin,
    onCreated: ({ id }) => void navigate({ to: '/forms/$id/design', params: { id: String(id) }, replace: true }),
  });
  return (
    <>
      <FormBar form={form} draft={draft} />
      <Editor
        isDisabled={!may(form ? 'updateForm' : 'createForm')}
        label={t('publicForm.preview')}
        left={
          <>
            <FormFault error={draft.error} names={['key', 'name', 'fields', 'topicKeys', 'texts', 'redirectUrl']} />
            <Settings draft={draft} isNew={!form} locale={locale} onLocale={setLocale} />
          </>
        }
        right={<FormPreview form={form} shown={draft.shown} locale={locale} />}
      />
    </>
  );
}

interface SettingsProps {
  draft: Draft;
  isNew: boolean;
  /** Language of the texts. */
  locale: string;
  onLocale: (locale: string) => void;
}

function Settings({ draft, isNew, locale, onLocale }: SettingsProps) {
  const { shown, change, faults } = draft;
  const topics = optionsOf(useFirst('topics'), 'key');
  const texts = itemsAt(shown, 'texts');
  const index = texts.findIndex((each) => each.locale === locale);
  const setText = (next: Json) => change({ texts: index < 0 ? [...texts, next] : texts.with(index, next) });
  return (
    <>
      <Section title={t('publicForm.about')}>
        <Pair>
          <TextField
            label={`${labels.field('Form', 'name')} *`}
            value={textAt(shown, 'name')}
            onChange={(name) => change({ name, ...(isNew && { key: keyOfName(name, 'form') }) })}
            error={faults.get('/name')}
            autoFocus={isNew}
          />
          {isNew && <DraftField draft={draft} message="Form" name="key" />}
        </Pair>
      </Section>
      <FormFields draft={draft} />
      <Section title={t('publicForm.consent')}>
        <DraftField draft={draft} message="Form" name="topicKeys" options={topics} />
        <DraftField draft={draft} message="Form" name="isDoubleOptIn" isExplained />
      </Section>
      <Section
        title={labels.field('Form', 'texts')}
        beside={
          <Segments
            small
            label={t('publicForm.language')}
            value={locale}
            onChange={onLocale}
            options={languages.map((id) => ({ id, name: id }))}
          />
        }
      >
        {inputsOf('FormText')
          .filter(({ name }) => !['locale', 'labels'].includes(name))
          .map((field) => (
            <FormRow
              key={field.name}
              message="FormText"
              field={{ ...field, maxLength: field.name === 'description' ? 2_000 : 300 }}
              value={texts[index] ?? {}}
              onChange={(next) => setText({ ...next, locale })}
              faults={faults}
              at={`/texts/${index < 0 ? texts.length : index}`}
              isBrief
            />
          ))}
      </Section>
      <Section title={t('publicForm.effects')}>
        <Pair>
          <DraftField draft={draft} message="Form" name="redirectUrl" isLine />
          <DraftField draft={draft} message="Form" name="campaignId" options={optionsOf(useFirst('campaigns'))} />
        </Pair>
        <DraftField draft={draft} message="Form" name="createsLead" isExplained />
      </Section>
      <Section title={t('publicForm.protection')}>
        <Pair>
          <DraftField draft={draft} message="Form" name="proof" />
          <DraftField draft={draft} message="Form" name="minSeconds" />
          <DraftField draft={draft} message="Form" name="dailyLimitPerAddress" />
        </Pair>
      </Section>
    </>
  );
}

function FormBar({ form, draft }: { form: Json | undefined; draft: Draft }) {
  const may = useMay();
  const id = textAt(form, 'id');
  const address = `${location.origin}/f/${textAt(form, 'token')}`;
  const isActive = textAt(form, 'state') === 'ACTIVE';
  const setState = (next: string) => draft.act('updateForm', { state: next });
  return (
    <Bar
      title={
        <Crumbs resource="forms" title={textAt(draft.shown, 'name') || t('form.new', { what: labels.one('form') })} />
      }
      beside={form && <StateChip record={form} of="FormState" />}
    >
      {form && (
        <RecordMenu resource="forms" id={id}>
          <MenuItem icon={icons.Link} onAction={() => void copyText(address, t('publicForm.copied'))}>
            {t('publicForm.copyLink')}
          </MenuItem>
          <MenuItem icon={icons.CodeXml} onAction={() => void copyText(embedOf(form, address), t('publicForm.copied'))}>
            {t('publicForm.copyCode')}
          </MenuItem>
          {isActive && may('updateForm') ? (
            <MenuItem icon={icons.SquareX} onAction={() => setState('CLOSED')}>
              {t('publicForm.close')}
            </MenuItem>
          ) : null}
        </RecordMenu>
      )}
      {isActive && (
        <Button icon={icons.ExternalLink} onPress={() => window.open(address, '_blank', 'noopener')}>
          {t('publicForm.open')}
        </Button>
      )}
      <SaveButton kind={form && !isActive ? 'plain' : 'primary'} draft={draft} />
      {form && !isActive && may('updateForm') && (
        <Button kind="primary" icon={icons.Rocket} isPending={draft.isPending} onPress={() => setState('ACTIVE')}>
          {t('publicForm.publish')}
        </Button>
      )}
    </Bar>
  );
}
