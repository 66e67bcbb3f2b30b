import { useMutation } from '@tanstack/react-query';
import { Check, FlaskConical, Rocket, SquareX } from 'lucide-react';
import { useState } from 'react';
import { labels, t } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { Bar } from '../../app/shell/shell.tsx';
import { keyText, useShortcut } from '../../app/shortcuts.ts';
import { call, invalidate, queryClient, readQuery } from '../../contract/api.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { Crumbs } from '../../kit/crumbs.tsx';
import { RecordOfAddress } from '../../kit/record-of-address.tsx';
import { faultsOf, FormFault } from '../../kit/form/form-faults.tsx';
import type { FormField } from '../../kit/form/form-field.ts';
import { Form, inputsOf } from '../../kit/form/form.tsx';
import { notify } from '../../kit/notices.ts';
import { Button, Chip } from '../../kit/ui.tsx';
import { ActivateDialog } from './activate-dialog.tsx';
import { Simulation } from './simulation.tsx';
import style from './sla.module.css';
import { TargetTable } from './target-table.tsx';

/** A service level policy: which tickets it is for, and what it promises them, beside what it would have made of past ones. */
export function SlaPolicyEditor() {
  return <RecordOfAddress get="getSlaPolicy">{(policy) => policy && <Editor policy={policy} />}</RecordOfAddress>;
}

const ownFields = ['name', 'position', 'filter', 'calendarId'];

function Editor({ policy }: { policy: Json }) {
  const mayEdit = useMay()('updateSlaPolicy');
  const [edits, setEdits] = useState<Json>();
  const [isTrying, setIsTrying] = useState(false);
  const shown = { ...policy, ...edits };
  const save = useMutation({
    mutationFn: async () => {
      const saved = await call('updateSlaPolicy', { id: policy.id }, { body: edits, ifMatch: textAt(policy, 'etag') });
      queryClient.setQueryData(readQuery('getSlaPolicy', { id: textAt(policy, 'id') }).queryKey, saved);
      await invalidate('slaPolicies');
      setEdits(undefined);
      notify(t('sla.saved', { name: textAt(saved, 'name') }));
    },
  });
  const faults = faultsOf(save.error);
  useShortcut('mod+enter', 'form.save', () => save.mutate(), edits !== undefined);
  return (
    <>
      <EditorBar
        policy={policy}
        isEdited={edits !== undefined}
        onSave={() => save.mutate()}
        onTry={() => setIsTrying(true)}
      />
      <div className={style.editor} data-trying={isTrying}>
        <fieldset className={style.left} disabled={!mayEdit}>
          <Form
            message="SlaPolicy"
            fields={ownFields.flatMap(fieldOf)}
            value={shown}
            onChange={(next) => setEdits({ ...edits, ...changed(policy, next) })}
            faults={faults}
          />
          <TargetTable policy={shown} faults={faults} onChange={(targets) => setEdits({ ...edits, targets })} />
          <FormFault error={save.error} names={[...ownFields, 'targets']} />
        </fieldset>
        {isTrying && <Simulation policy={policy} isEdited={edits !== undefined} onClose={() => setIsTrying(false)} />}
      </div>
    </>
  );
}

/** A field of a policy, in one line however long it may be. */
function fieldOf(name: string): FormField[] {
  return inputsOf('SlaPolicy')
    .filter((field) => field.name === name)
    .map((field) => ({ ...field, maxLength: 500 }));
}

/** The own fields of the policy that differ. */
function changed(policy: Json, next: Json): Json {
  return Object.fromEntries(
    ownFields.filter((name) => next[name] !== policy[name]).map((name) => [name, next[name] ?? null]),
  );
}

interface BarProps {
  policy: Json;
  isEdited: boolean;
  onSave: () => void;
  onTry: () => void;
}

function EditorBar({ policy, isEdited, onSave, onTry }: BarProps) {
  const may = useMay();
  const [isActivating, setIsActivating] = useState(false);
  const [state, version] = [textAt(policy, 'state'), textAt(policy, 'activeVersion')];
  const stateName = labels.value('SlaPolicyState', state);
  return (
    <Bar
      title={<Crumbs resource="slaPolicies" title={textAt(policy, 'name')} />}
      beside={
        <Chip tone={state === 'ACTIVE' ? 'good' : 'quiet'}>
          {version === '' ? stateName : `${stateName}, ${t('timeline.version', { version })}`}
        </Chip>
      }
    >
      {may('retireSlaPolicy') && state === 'ACTIVE' && (
        <Button kind="bare" icon={SquareX} onPress={() => void retire(policy)}>
          {labels.operation('retireSlaPolicy')}
        </Button>
      )}
      <Button icon={FlaskConical} onPress={onTry}>
        {t('sla.simulate')}
      </Button>
      {isEdited && (
        <Button icon={Check} shortcut={keyText('mod+enter')} onPress={onSave}>
          {t('form.save')}
        </Button>
      )}
      {may('activateSlaPolicy') && (
        <Button kind="primary" icon={Rocket} isDisabled={isEdited} onPress={() => setIsActivating(true)}>
          {t('sla.activate')}
        </Button>
      )}
      {isActivating && <ActivateDialog policy={policy} onClose={() => setIsActivating(false)} />}
    </Bar>
  );
}

async function retire(policy: Json): Promise<void> {
  await call('retireSlaPolicy', { id: policy.id }, { ifMatch: textAt(policy, 'etag') });
  await invalidate('slaPolicies');
  notify(t('sla.retired', { name: textAt(policy, 'name') }));
}
