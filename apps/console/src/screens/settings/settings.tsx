import { useQuery } from '@tanstack/react-query';
import { Pending, ProblemNote } from '../../app/boundaries.tsx';
import { locale, t } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { tenantQuery, useWorkspaceName } from '../../app/session.ts';
import { Bar } from '../../app/shell/shell.tsx';
import { call, invalidate, queryClient, readQuery } from '../../contract/api.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { Editor, Pair, Section } from '../../kit/editor.tsx';
import { DraftField } from '../../kit/form/draft-field.tsx';
import { Select } from '../../kit/form/field.tsx';
import { namingOf, OwnInputs, type WidgetProps } from '../../kit/form/form-widgets.tsx';
import { FormFault } from '../../kit/form/form-faults.tsx';
import { SaveButton } from '../../kit/form/save-button.tsx';
import { useDraft } from '../../kit/form/use-draft.ts';
import { text } from '../../kit/ui.tsx';

const query = readQuery('getSettings');

/** Which settings stand beside each other, by what they are about. */
const sections = {
  region: [['timeZone', 'locale'], ['weekStart']],
  money: [['baseCurrency', 'fiscalYearStartMonth']],
};

const names = ['displayName', ...Object.values(sections).flat(2)];

/** What holds for the whole workspace. Its business hours and rates are the tabs beside it. */
export function Settings() {
  const { data, error } = useQuery(query);
  return data ? (
    <SettingsEditor settings={data} />
  ) : (
    <>
      <Bar title={t('nav.settings')} />
      <ProblemNote error={error} />
      {!error && <Pending />}
    </>
  );
}

function SettingsEditor({ settings }: { settings: Json }) {
  const workspace = useWorkspaceName();
  const mayEdit = useMay()('updateSettings');
  const draft = useDraft({ resource: 'settings', record: { displayName: workspace, ...settings }, write });
  return (
    <>
      <Bar title={t('nav.settings')} beside={workspace}>
        {mayEdit ? <SaveButton draft={draft} /> : <span className={text.meta}>{t('settings.readOnly')}</span>}
      </Bar>
      <Editor
        isDisabled={!mayEdit}
        label={t('nav.settings')}
        left={
          <OwnInputs value={monthInput}>
            <Section title={t('settings.workspace')}>
              <DraftField draft={draft} message="Tenant" name="displayName" isExplained />
            </Section>
            {Object.entries(sections).map(([key, rows]) => (
              <Section key={key} title={t(`settings.${key}`)}>
                {rows.map((pair) => (
                  <Pair key={pair.join(' ')}>
                    {pair.map((name) => (
                      <DraftField key={name} draft={draft} message="Settings" name={name} isExplained />
                    ))}
                  </Pair>
                ))}
              </Section>
            ))}
            <FormFault error={draft.error} names={names} />
          </OwnInputs>
        }
      />
    </>
  );
}

/** The month that the fiscal year starts in, by its name. */
function monthInput(props: WidgetProps) {
  if (props.field.name !== 'fiscalYearStartMonth') return undefined;
  const form = new Intl.DateTimeFormat(locale, { timeZone: 'UTC', month: 'long' });
  const months = Array.from({ length: 12 }, (_, month) => ({
    id: String(month + 1),
    name: form.format(Date.UTC(2026, month)),
  }));
  const choose = (id: string) => props.onChange(Number(id));
  return <Select {...namingOf(props)} options={months} value={String(Number(props.value ?? 1))} onChange={choose} />;
}

/** Writes the name, and the settings unless others have written them since. What was cleared gets its default again. */
async function write(over: Json, { displayName, ...edits }: Json): Promise<Json> {
  if (displayName !== undefined) {
    const tenant = await call('updateTenant', {}, { body: { displayName } });
    queryClient.setQueryData(tenantQuery(true).queryKey, tenant);
  }
  if (Object.keys(edits).length === 0) return over;
  const body = Object.fromEntries(Object.entries(edits).map(([name, value]) => [name, value ?? null]));
  const saved = await call('updateSettings', {}, { body, ifMatch: textAt(over, 'etag') });
  queryClient.setQueryData(query.queryKey, saved);
  await invalidate('settings');
  return saved;
}
