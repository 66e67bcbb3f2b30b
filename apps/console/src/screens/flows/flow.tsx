import { useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { Pending } from '../../app/boundaries.tsx';
import { labels, t } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { Bar } from '../../app/shell/shell.tsx';
import { isJson, textAt, valueAt, type Json } from '../../contract/json.ts';
import { Crumbs } from '../../kit/crumbs.tsx';
import { RecordOfAddress } from '../../kit/record-of-address.tsx';
import { EditorFields, ListEditor } from '../../kit/editor.tsx';
import { DraftField } from '../../kit/form/draft-field.tsx';
import { FormFault } from '../../kit/form/form-faults.tsx';
import { SaveButton } from '../../kit/form/save-button.tsx';
import { useDraft, type Draft } from '../../kit/form/use-draft.ts';
import { Menu, MenuItem } from '../../kit/overlay.tsx';
import { StateChip, useActs, type StateAct } from '../../kit/record/states.tsx';
import { Button, IconButton, icons } from '../../kit/ui.tsx';
import { StepList, useFaults } from './step-list.tsx';
import { linesOf } from './steps.ts';

// What is beside the list comes after it: together they are more than a screen may load at once.
const ChosenForm = lazy(() => import('./chosen-form.tsx'));
const Trial = lazy(() => import('./trial.tsx'));
const Enrollments = lazy(() => import('./enrollments.tsx'));

/** A flow: what starts it, and its steps as a list with branches. */
export function FlowEditor() {
  return <RecordOfAddress get="getFlow">{(flow) => flow && <Editor flow={flow} />}</RecordOfAddress>;
}

function Editor({ flow }: { flow: Json }) {
  const mayEdit = useMay()('updateFlow');
  const draft = useDraft({ resource: 'flows', record: flow });
  const [chosen, setChosen] = useState('trigger');
  const [beside, setBeside] = useState<Beside>();
  const close = () => setBeside(undefined);
  const definition = isJson(draft.shown.definition) ? draft.shown.definition : {};
  const faults = useFaults(definition);
  const lines = linesOf(definition);
  const line = lines.find(({ id }) => id === chosen);
  const change = (next: Json) => draft.change({ definition: next });
  return (
    <>
      <EditorBar flow={flow} draft={draft} onShow={setBeside} />
      <ListEditor
        isDisabled={!mayEdit}
        isRightDisabled={!mayEdit && beside === undefined}
        left={
          <>
            <EditorFields>
              <DraftField draft={draft} message="Flow" name="name" isLine />
            </EditorFields>
            <StepList {...{ definition, lines, chosen, faults }} onChoose={setChosen} onChange={change} />
            <FormFault error={draft.error} names={['name', 'definition']} />
          </>
        }
        right={
          <Suspense fallback={<Pending />}>
            {beside === 'trial' && <Trial flow={flow} isEdited={draft.isEdited} onClose={close} />}
            {beside === 'enrollments' && <Enrollments flow={flow} onClose={close} />}
            {beside === undefined && (
              <ChosenForm
                key={chosen}
                {...{ flowId: textAt(flow, 'id'), definition, line, chosen, faults }}
                onChange={change}
                onChoose={setChosen}
              />
            )}
          </Suspense>
        }
      />
    </>
  );
}

/** What is shown in place of the form of a step. */
type Beside = 'trial' | 'enrollments';

interface EditorBarProps {
  flow: Json;
  draft: Draft;
  onShow: (beside: Beside) => void;
}

/** What can be done with a flow in each of its states, besides publishing its draft. */
const verbs: readonly StateAct[] = [
  { verb: 'pauseFlow', icon: icons.CirclePause, states: ['ACTIVE', 'FROZEN'] },
  { verb: 'freezeFlow', icon: icons.Snowflake, states: ['ACTIVE', 'PAUSED'] },
  { verb: 'resumeFlow', icon: icons.Play, states: ['PAUSED', 'FROZEN'] },
  { verb: 'retireFlow', icon: icons.SquareX, states: ['ACTIVE', 'PAUSED', 'FROZEN'] },
];

function EditorBar({ flow, draft, onShow }: EditorBarProps) {
  const navigate = useNavigate();
  const may = useMay();
  const acts = useActs(verbs, flow);
  const state = textAt(flow, 'state');
  const isNew = draft.isEdited || valueAt(flow, 'hasUnpublishedChanges') === true || state === 'DRAFT';
  const search = { flowId: textAt(flow, 'id') };
  const act = (verb: string) =>
    draft.act(verb, undefined, t(`flow.done.${verb}`, { name: textAt(draft.shown, 'name') }));
  return (
    <Bar
      title={<Crumbs resource="flows" title={textAt(flow, 'name')} />}
      beside={<StateChip record={flow} of="FlowState" />}
    >
      <Menu label={t('record.more')} button={<IconButton name={t('record.more')} icon={icons.Ellipsis} />}>
        {['flowRuns', 'flowBackfills'].map((resource) => (
          <MenuItem
            key={resource}
            icon={icons.ListTree}
            onAction={() => void navigate({ to: '/$resource', params: { resource }, search: search as never })}
          >
            {labels.resource(resource)}
          </MenuItem>
        ))}
        {acts.map(({ verb, icon }) => (
          <MenuItem key={verb} icon={icon} onAction={() => act(verb)}>
            {labels.operation(verb)}
          </MenuItem>
        ))}
      </Menu>
      {['JOURNEY', 'SEQUENCE'].includes(textAt(flow, 'definition.kind')) && may('listFlowEnrollments') && (
        <IconButton name={labels.resource('customers')} icon={icons.Users} onPress={() => onShow('enrollments')} />
      )}
      <Button icon={icons.FlaskConical} onPress={() => onShow('trial')}>
        {t('flow.try')}
      </Button>
      {may('updateFlow') && draft.isEdited && <SaveButton kind="plain" draft={draft} />}
      {may('publishFlow') && state !== 'RETIRED' && (
        <Button
          kind="primary"
          icon={icons.Rocket}
          isDisabled={!isNew}
          isPending={draft.isPending}
          onPress={() => act('publishFlow')}
        >
          {t('flow.publish')}
        </Button>
      )}
    </Bar>
  );
}
