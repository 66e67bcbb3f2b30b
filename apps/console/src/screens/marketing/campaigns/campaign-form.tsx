import { format, labels, t } from '../../../app/language.ts';
import { isJson, itemsAt, textAt, valueAt, type Json } from '../../../contract/json.ts';
import { Pair, Section } from '../../../kit/editor.tsx';
import type { Option } from '../../../kit/form/choose.tsx';
import { DraftField } from '../../../kit/form/draft-field.tsx';
import { Check, Select, TextField } from '../../../kit/form/field.tsx';
import { Fault } from '../../../kit/form/form-faults.tsx';
import { FormRow, inputsOf } from '../../../kit/form/form.tsx';
import { Segments } from '../../../kit/form/segments.tsx';
import type { Draft } from '../../../kit/form/use-draft.ts';
import { Button, IconButton, icons, text } from '../../../kit/ui.tsx';
import { optionsOf, useFirst } from '../../../kit/form/choices.ts';
import style from '../marketing.module.css';

/** Who gets a campaign, what, and when. */
export function CampaignForm({ draft, isNew }: { draft: Draft; isNew: boolean }) {
  const segments = optionsOf(useFirst('segments'));
  const field = (name: string, options?: readonly Option[]) => (
    <DraftField draft={draft} message="Campaign" name={name} isLine {...(options && { options })} />
  );
  return (
    <>
      <Section title={t('campaign.about')}>
        <DraftField draft={draft} message="Campaign" name="name" autoFocus={isNew} />
        <Pair>
          {field('topicKey', optionsOf(useFirst('topics'), 'key'))}
          {field('mailboxId', optionsOf(useFirst('mailboxes')))}
        </Pair>
        <Pair>
          {field('goal')}
          <DraftField draft={draft} message="Campaign" name="conversionDays" />
        </Pair>
      </Section>
      <Section title={t('campaign.audience')}>
        <Pair>
          {field('includeSegmentIds', segments)}
          {field('excludeSegmentIds', segments)}
        </Pair>
        <Choice draft={draft} name="audience" of="CampaignAudience" />
      </Section>
      <Variants draft={draft} />
      <When draft={draft} />
      <Section title={t('campaign.tracking')}>
        {(['tracksClicks', 'tracksOpens'] as const).map((name) => (
          <DraftField key={name} draft={draft} message="Campaign" name={name} isExplained />
        ))}
      </Section>
    </>
  );
}

/** A choice of the values of an enum, with what the chosen one means. */
function Choice({ draft, name, of }: { draft: Draft; name: string; of: string }) {
  const value = textAt(draft.shown, name);
  return (
    <>
      <span>
        <Segments
          label={labels.field('Campaign', name)}
          value={value}
          onChange={(next) => draft.change({ [name]: next })}
          options={labels.values(of)}
        />
      </span>
      <p className={text.meta}>{t(`campaign.${name}.${value}`)}</p>
    </>
  );
}

const mostVariants = 5;

/** The e-mails between which the recipients are shared out, and the test that decides between them. */
function Variants({ draft }: { draft: Draft }) {
  const { shown, change, faults } = draft;
  const variants = itemsAt(shown, 'variants');
  const templates = useFirst('templates', { filter: 'kind = EMAIL' });
  const weight = (variant: Json) => Number(variant.weight ?? 1);
  const sum = variants.reduce((total, variant) => total + weight(variant), 0);
  const set = (next: Json[]) =>
    change({ variants: next, ...(next.length < 2 && isJson(shown.test) && { test: null }) });
  const free = ['a', 'b', 'c', 'd', 'e'].find((key) => variants.every((each) => each.key !== key));
  return (
    <Section
      title={t('campaign.message')}
      beside={
        variants.length < mostVariants && (
          <Button
            small
            icon={icons.Plus}
            onPress={() => set([...variants, { ...variants.at(-1), key: free, weight: 1 }])}
          >
            {t('campaign.addVariant')}
          </Button>
        )
      }
    >
      <ul className={style.variants} aria-label={labels.field('Campaign', 'variants')}>
        {variants.map((variant, index) => {
          const at = `/variants/${index}`;
          const template = templates.find(({ id }) => id === variant.templateId);
          const edit = (part: Json) => set(variants.with(index, { ...variant, ...part }));
          return (
            <li key={textAt(variant, 'key')} data-several={variants.length > 1}>
              <b className={style.letter}>{textAt(variant, 'key').toUpperCase()}</b>
              <Select
                label={`${labels.singular('template')} *`}
                value={textAt(variant, 'templateId')}
                onChange={(templateId) => edit({ templateId })}
                options={optionsOf(templates)}
                error={faults.get(`${at}/templateId`)}
              />
              <TextField
                label={labels.field('CampaignVariant', 'subject')}
                value={textAt(variant, 'subject')}
                placeholder={textAt(template, 'subject')}
                onChange={(subject) => edit({ subject: subject === '' ? null : subject })}
                error={faults.get(`${at}/subject`)}
              />
              {variants.length > 1 && (
                <>
                  <TextField
                    label={t('campaign.share', { share: format.percent(weight(variant) / Math.max(1, sum)) })}
                    inputMode="numeric"
                    value={String(weight(variant))}
                    onChange={(typed) => edit({ weight: Number(typed.replace(/\D/g, '')) })}
                    error={faults.get(`${at}/weight`)}
                  />
                  <IconButton
                    small
                    name={t('form.remove')}
                    icon={icons.X}
                    onPress={() => set(variants.toSpliced(index, 1))}
                  />
                </>
              )}
            </li>
          );
        })}
      </ul>
      {faults.get('/variants') !== undefined && <Fault>{faults.get('/variants')}</Fault>}
      {variants.length > 1 && <Test draft={draft} />}
    </Section>
  );
}

function Test({ draft }: { draft: Draft }) {
  const { shown, change, faults } = draft;
  const test = isJson(shown.test) ? shown.test : undefined;
  return (
    <>
      <Check
        label={t('campaign.testFirst')}
        isSelected={test !== undefined}
        onChange={(isOn) =>
          change({ test: isOn ? { sharePercent: 20, metric: 'CLICK', waitSeconds: 14_400, decide: 'AUTO' } : null })
        }
      />
      {test && (
        <Pair>
          {inputsOf('CampaignTest').map((field) =>
            field.name === 'waitSeconds' ? (
              <TextField
                key={field.name}
                label={t('campaign.waitHours')}
                inputMode="decimal"
                value={String(Number(test.waitSeconds ?? 0) / 3_600)}
                onChange={(typed) => change({ test: { ...test, waitSeconds: Math.round(Number(typed) * 3_600) } })}
                error={faults.get('/test/waitSeconds')}
              />
            ) : (
              <FormRow
                key={field.name}
                message="CampaignTest"
                field={field}
                value={test}
                onChange={(next) => change({ test: next })}
                faults={faults}
                at="/test"
                isBrief
              />
            ),
          )}
        </Pair>
      )}
    </>
  );
}

const times = ['now', 'sendTime', 'localTime'] as const;

/** When a campaign is sent: at once, at an instant, or at a time of the clock of each recipient. */
function When({ draft }: { draft: Draft }) {
  const { shown, change, faults } = draft;
  const schedule = isJson(shown.schedule) ? shown.schedule : {};
  const chosen = times.find((each) => valueAt(schedule, each) !== undefined) ?? 'now';
  const choose = (next: (typeof times)[number]) => {
    const tomorrow = new Date(Date.now() + 86_400_000);
    const day = `${tomorrow.getFullYear()}-${two(tomorrow.getMonth() + 1)}-${two(tomorrow.getDate())}T09:00`;
    if (next === 'now') return change({ schedule: null });
    return change({ schedule: next === 'localTime' ? { localTime: day } : { sendTime: new Date(day).toISOString() } });
  };
  const row = { message: 'CampaignSchedule', value: schedule, faults, at: '/schedule', isBrief: true };
  return (
    <Section title={t('campaign.when')}>
      <span>
        <Segments
          label={t('campaign.when')}
          value={chosen}
          onChange={choose}
          options={times.map((id) => ({ id, name: t(`campaign.when.${id}`) }))}
        />
      </span>
      <p className={text.meta}>{t(`campaign.when.${chosen}.help`)}</p>
      <Pair>
        {chosen === 'sendTime' && (
          <FormRow
            {...row}
            field={{ name: 'sendTime', type: 'time' }}
            onChange={(next) => change({ schedule: next })}
          />
        )}
        {chosen === 'localTime' && (
          <TextField
            type="datetime-local"
            label={labels.field('CampaignSchedule', 'localTime')}
            value={textAt(schedule, 'localTime')}
            onChange={(localTime) => change({ schedule: { ...schedule, localTime } })}
            error={faults.get('/schedule/localTime')}
          />
        )}
        <DraftField draft={draft} message="Campaign" name="throttlePerMinute" />
      </Pair>
    </Section>
  );
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
