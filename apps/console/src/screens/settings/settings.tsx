import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Pending, ProblemNote } from '../../app/boundaries.tsx';
import { t } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { tenantQuery, useWorkspaceName } from '../../app/session.ts';
import { Bar } from '../../app/shell/shell.tsx';
import { useShortcut } from '../../app/shortcuts.ts';
import { call, invalidate, queryClient, readQuery } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { Editor, Pair, Section } from '../../kit/editor.tsx';
import { faultsOf, FormFault } from '../../kit/form/form-faults.tsx';
import { FormRow } from '../../kit/form/form.tsx';
import { SaveButton } from '../../kit/form/save-button.tsx';
import { notify } from '../../kit/notices.ts';
import text from '../../style/text.module.css';

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
  const draft = useSettingsDraft({ displayName: workspace, ...settings });
  const row = (name: string, message = 'Settings') => (
    <FormRow
      key={name}
      message={message}
      field={theContract().field(message, name) ?? { name, type: 'text' }}
      value={draft.shown}
      onChange={(next) => draft.change({ [name]: next[name] ?? null })}
      faults={draft.faults}
    />
  );
  return (
    <>
      <Bar title={t('nav.settings')} beside={workspace}>
        {mayEdit ? <SaveButton draft={draft} /> : <span className={text.meta}>{t('settings.readOnly')}</span>}
      </Bar>
      <Editor
        isDisabled={!mayEdit}
        label={t('nav.settings')}
        left={
          <>
            <Section title={t('settings.workspace')}>{row('displayName', 'Tenant')}</Section>
            {Object.entries(sections).map(([key, rows]) => (
              <Section key={key} title={t(`settings.${key}`)}>
                {rows.map((pair) => (
                  <Pair key={pair.join(' ')}>{pair.map((name) => row(name))}</Pair>
                ))}
              </Section>
            ))}
            <FormFault error={draft.error} names={names} />
          </>
        }
      />
    </>
  );
}

/** The settings while they are edited. Nothing is written before they are saved, and no version of others is overwritten. */
function useSettingsDraft(settings: Json) {
  const [edits, setEdits] = useState<Json>({});
  const [base, setBase] = useState(settings);
  const isEdited = Object.keys(edits).length > 0;
  const { mutate, error, isPending, reset } = useMutation({
    mutationFn: async () => {
      const { displayName, ...changes } = edits;
      if (displayName !== undefined) {
        const tenant = await call('updateTenant', {}, { body: { displayName } });
        queryClient.setQueryData(tenantQuery(true).queryKey, tenant);
      }
      if (Object.keys(changes).length > 0) {
        const saved = await call('updateSettings', {}, { body: changes, ifMatch: textAt(base, 'etag') });
        queryClient.setQueryData(query.queryKey, saved);
      }
      setEdits({});
      notify(t('settings.saved'));
      await invalidate('settings');
    },
  });
  const save = () => {
    if (!isPending) mutate();
  };
  useShortcut('mod+enter', 'form.save', save, isEdited);
  return {
    shown: { ...settings, ...edits },
    isEdited,
    isPending,
    error,
    faults: faultsOf(error),
    save,
    change: (part: Json) => {
      if (!isPending) reset();
      if (!isEdited) setBase(settings);
      setEdits((known) => ({ ...known, ...part }));
    },
  };
}
