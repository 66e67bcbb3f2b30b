import { useQuery, useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { labels, t } from '../../app/language.ts';
import { readQuery, call } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import { isJson, itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { EditorForm } from '../../kit/editor.tsx';
import { optionsOf } from '../../kit/form/choices.ts';
import { Select, TextField } from '../../kit/form/field.tsx';
import type { Faults } from '../../kit/form/form-faults.tsx';
import type { FormField } from '../../kit/form/form-field.ts';
import { OwnInputs } from '../../kit/form/form-widgets.tsx';
import { Form, inputsOf } from '../../kit/form/form.tsx';
import { Button, icons, text } from '../../kit/ui.tsx';
import { useMay } from '../../app/resource.ts';
import { Ask } from '../../kit/form/ask.tsx';
import { copyText } from '../../kit/notices.ts';
import { ExpressionNames, inputOfExpression } from './expression/expression-field.tsx';
import { knownNames } from './expression/known-names.ts';
import style from './flows.module.css';
import { nameOfStep } from './step-names.ts';
import {
  kindOf,
  linesOf,
  pointerOf,
  triggerKinds,
  triggerOf,
  valueIn,
  without,
  withValue,
  type Line,
} from './steps.ts';

interface ChosenFormProps {
  flowId: string;
  definition: Json;
  line: Line | undefined;
  /** `trigger` or `rules`, where it is no line. */
  chosen: string;
  faults: Faults;
  onChange: (definition: Json) => void;
  onChoose: (id: string) => void;
}

/** The fields of what is chosen in the list. */
export default function ChosenForm(props: ChosenFormProps) {
  const { definition, line } = props;
  const type = textAt(definition, `trigger.${triggerOf(definition)}.type`);
  return (
    <OwnInputs value={inputOfExpression}>
      <ExpressionNames value={knownNames(definition, line, linesOf(definition), type)}>
        <Chosen {...props} />
      </ExpressionNames>
    </OwnInputs>
  );
}

function Chosen(props: ChosenFormProps) {
  const { line, chosen } = props;
  if (line?.step) return <StepForm {...props} line={line} step={line.step} />;
  if (line) return <BranchForm {...props} line={line} />;
  return chosen === 'rules' ? <RulesForm {...props} /> : <TriggerForm {...props} />;
}

function TriggerForm({ flowId, definition, faults, onChange }: ChosenFormProps) {
  const trigger = triggerOf(definition);
  const message = messageOf('FlowTrigger', trigger);
  const type = textAt(definition, `trigger.${trigger}.type`);
  const fields = useFields(message, type);
  const value = valueAt(definition, `trigger.${trigger}`);
  return (
    <EditorForm title={t('flow.trigger')}>
      <Select
        label={labels.field('FlowDefinition', 'trigger')}
        value={trigger}
        onChange={(kind) => onChange({ ...definition, trigger: { [kind]: {} } })}
        options={triggerKinds.map((id) => ({ id, name: labels.field('FlowTrigger', id) }))}
        error={faults.get('/trigger')}
      />
      {trigger !== '' && (
        <Form
          message={message}
          fields={fields}
          value={isJson(value) ? value : {}}
          onChange={(next) => onChange({ ...definition, trigger: { [trigger]: next } })}
          faults={faults}
          at={`/trigger/${trigger}`}
        />
      )}
      {trigger === 'webhook' && <HookAddress flowId={flowId} />}
      <Form message="FlowDefinition" names={['condition']} value={definition} onChange={onChange} faults={faults} />
      <Variables type={type} />
    </EditorForm>
  );
}

function StepForm({
  definition,
  line,
  step,
  faults,
  onChange,
  onChoose,
}: ChosenFormProps & { line: Line; step: Json }) {
  const kind = kindOf(step);
  const message = messageOf('Step', kind);
  const at = pointerOf(line.place);
  const set = (next: Json) => onChange(withValue(definition, line.place, next));
  const branch = kind === 'switch' ? 'cases' : kind === 'fork' ? 'branches' : undefined;
  const addBranch = (name: string) => {
    const branches = itemsAt(step, `${kind}.${name}`);
    const added =
      name === 'cases' ? { condition: 'true', steps: [] } : { key: `branch_${branches.length + 1}`, steps: [] };
    set({ ...step, [kind]: { ...(step[kind] as Json), [name]: [...branches, added] } });
  };
  const type = textAt(step, `${kind}.type`);
  return (
    <EditorForm
      title={nameOfStep(step)}
      code={textAt(step, 'key')}
      beside={<RemoveButton {...{ definition, line, onChange, onChoose }} />}
    >
      <Form
        message={message}
        fields={useFields(message, type)}
        value={isJson(step[kind]) ? step[kind] : {}}
        onChange={(next) => set({ ...step, [kind]: next })}
        faults={faults}
        at={`${at}/${kind}`}
      />
      {branch !== undefined && (
        <span>
          <Button small icon={icons.Plus} onPress={() => addBranch(branch)}>
            {t(`flow.add.${branch}`)}
          </Button>
        </span>
      )}
      <Form message="Step" names={['key', 'name', 'condition']} value={step} onChange={set} faults={faults} at={at} />
      <Variables type={textAt(definition, `trigger.${triggerOf(definition)}.type`)} />
    </EditorForm>
  );
}

type RemoveButtonProps = Pick<ChosenFormProps, 'definition' | 'onChange' | 'onChoose'> & { line: Line };

function RemoveButton({ definition, line, onChange, onChoose }: RemoveButtonProps) {
  const remove = () => {
    onChange(without(definition, line));
    onChoose('trigger');
  };
  return (
    <Button small kind="bare" icon={icons.Trash} onPress={remove}>
      {t('flow.remove')}
    </Button>
  );
}

/** Head of a case or of a branch of a fork. */
function BranchForm({ definition, line, faults, onChange, onChoose }: ChosenFormProps & { line: Line }) {
  const { place, branch } = line;
  const kind = branch?.kind ?? 'steps';
  const message = { case: 'SwitchCase', branch: 'ForkBranch' }[kind as string];
  const value = valueIn(definition, place);
  return (
    <EditorForm
      title={t(`flow.branch.${kind}`)}
      beside={message !== undefined && <RemoveButton {...{ definition, line, onChange, onChoose }} />}
    >
      <p className={text.two}>{t(`flow.branch.${kind}.help`)}</p>
      {message !== undefined && (
        <Form
          message={message}
          fields={ownFields(message)}
          value={isJson(value) ? value : {}}
          onChange={(next) => onChange(withValue(definition, place, next))}
          faults={faults}
          at={pointerOf(place)}
        />
      )}
    </EditorForm>
  );
}

function RulesForm({ definition, faults, onChange }: ChosenFormProps) {
  return (
    <EditorForm title={t('flow.rules')}>
      <Form
        message="FlowDefinition"
        names={['onFailure', 'limits', 'concurrency', 'followsItself']}
        value={definition}
        onChange={onChange}
        faults={faults}
      />
    </EditorForm>
  );
}

/** What expressions can read, with the fields of the record that a flow is about. */
function Variables({ type }: { type: string }) {
  const fields = theContract()
    .fields(theContract().recordType(type)?.message)
    .map(({ name }) => `record.${name}`);
  return (
    <details className={style.variables}>
      <summary>{t('flow.variables')}</summary>
      <p className={text.two}>{t('flow.variablesHelp')}</p>
      <p className={style.names}>
        {[...fields, 'before', 'change', 'input', 'vars', 'steps', 'item', 'index', 'now'].map((name) => (
          <code key={name}>{name}</code>
        ))}
      </p>
    </details>
  );
}

function messageOf(message: string, field: string): string {
  return theContract().field(message, field)?.of ?? '';
}

/** The fields of a message without the steps within it, which are lines of the list. */
function ownFields(message: string): readonly FormField[] {
  return inputsOf(message).filter(({ of }) => !['Step', 'SwitchCase', 'ForkBranch'].includes(of ?? ''));
}

/** The fields of a trigger or a step, with what can be chosen: types of records, their fields, users, and flows. */
function useFields(message: string, type: string): readonly FormField[] {
  const fields = ownFields(message);
  const has = (name: string) => fields.some((field) => field.name === name);
  const users = useQuery({ ...readQuery('listUsers', {}, has('approverIds')), staleTime: 60_000 });
  const flows = useQuery(readQuery('listFlows', { pageSize: 100 }, has('flow')));
  const types = theContract()
    .resources.filter(({ isRecord, name }) => isRecord && !name.includes('{'))
    .map(({ singular, name }) => ({ id: singular, name: labels.resource(name) }));
  const { message: ofRecord = '' } = theContract().recordType(type) ?? {};
  const ofType = theContract()
    .fields(ofRecord)
    .map(({ name }) => ({ id: name, name: labels.field(ofRecord, name) }));
  const options: Readonly<Record<string, FormField['options']>> = {
    ...{ type: types, fromType: types, toType: types },
    ...(ofType.length > 0 && { changedFields: ofType, field: ofType }),
    approverIds: optionsOf(itemsAt(users.data, 'users')),
    flow: optionsOf(itemsAt(flows.data, 'flows'), 'key'),
  };
  return fields.map((field) => ({ ...field, ...(options[field.name] && { options: options[field.name] }) }));
}

/** Makes the address at which other systems start a flow. It is shown once, since only a hash of its token is stored. */
function HookAddress({ flowId }: { flowId: string }) {
  const may = useMay();
  const [isAsked, setIsAsked] = useState(false);
  const { data, mutateAsync } = useMutation({ mutationFn: () => call('rotateFlowHook', { id: flowId }) });
  const address = data && `${location.origin}/v1/flowHooks/${textAt(data, 'token')}`;
  if (!may('rotateFlowHook')) return null;
  return (
    <>
      {address !== undefined && (
        <TextField label={t('flow.hook.address')} value={address} isReadOnly help={t('flow.hook.once')} />
      )}
      <span className={text.row}>
        {address !== undefined && (
          <Button small icon={icons.Copy} onPress={() => void copyText(address, t('record.copied'))}>
            {t('flow.hook.copy')}
          </Button>
        )}
        <Button small icon={icons.RefreshCw} onPress={() => setIsAsked(true)}>
          {t('flow.hook.make')}
        </Button>
      </span>
      {isAsked && (
        <Ask
          title={t('flow.hook.make')}
          acts={[{ name: t('flow.hook.make'), run: () => mutateAsync() }]}
          names={[]}
          onClose={() => setIsAsked(false)}
        >
          {() => <p>{t('flow.hook.ends')}</p>}
        </Ask>
      )}
    </>
  );
}
