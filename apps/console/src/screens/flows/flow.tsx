import { useNavigate } from '@tanstack/react-router';
import {
  Check,
  CirclePause,
  Ellipsis,
  FlaskConical,
  ListTree,
  Play,
  Rocket,
  Snowflake,
  SquareX,
  Users,
} from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { Pending } from '../../app/boundaries.tsx';
import { labels, t } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { Bar } from '../../app/shell/shell.tsx';
import { keyText, useShortcut } from '../../app/shortcuts.ts';
import { isJson, textAt, valueAt, type Json } from '../../contract/json.ts';
import { Crumbs } from '../../kit/crumbs.tsx';
import { RecordOfAddress } from '../../kit/record-of-address.tsx';
import { TextField } from '../../kit/form/field.tsx';
import { faultsOf, FormFault } from '../../kit/form/form-faults.tsx';
import { Menu, MenuItem } from '../../kit/overlay.tsx';
import { Button, Chip, IconButton, type IconType } from '../../kit/ui.tsx';
import style from './flows.module.css';
import { useFaults, useSaving } from './saving.ts';
import { StepList } from './step-list.tsx';
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
  const may = useMay();
  const mayEdit = may('updateFlow');
  const [edited, setEdited] = useState<Json>();
  const [chosen, setChosen] = useState('trigger');
  const [beside, setBeside] = useState<Beside>();
  const close = () => setBeside(undefined);
  const saving = useSaving(flow, edited, () => setEdited(undefined));
  const draft = edited ?? { name: flow.name, definition: flow.definition };
  const definition = isJson(draft.definition) ? draft.definition : {};
  const faults = useFaults(definition);
  const lines = linesOf(definition);
  const line = lines.find(({ id }) => id === chosen);
  const change = (next: Json) => setEdited({ ...draft, definition: next });
  return (
    <>
      <EditorBar flow={flow} isEdited={edited !== undefined} saving={saving} onShow={setBeside} />
      <div className={style.editor}>
        <fieldset className={style.left} disabled={!mayEdit}>
          <div className={style.fields}>
            <TextField
              label={labels.field('Flow', 'name')}
              value={textAt(draft, 'name')}
              onChange={(name) => setEdited({ ...draft, name })}
              error={faultsOf(saving.error).get('/name')}
            />
          </div>
          <StepList {...{ definition, lines, chosen, faults }} onChoose={setChosen} onChange={change} />
          <FormFault error={saving.error} names={['name', 'definition']} />
        </fieldset>
        <fieldset className={style.right} disabled={!mayEdit && beside === undefined}>
          <Suspense fallback={<Pending />}>
            {beside === 'trial' && <Trial flow={flow} isEdited={edited !== undefined} onClose={close} />}
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
        </fieldset>
      </div>
    </>
  );
}

/** What is shown in place of the form of a step. */
type Beside = 'trial' | 'enrollments';

interface EditorBarProps {
  flow: Json;
  isEdited: boolean;
  saving: ReturnType<typeof useSaving>;
  onShow: (beside: Beside) => void;
}

/** What can be done with a flow in each of its states, besides publishing its draft. */
const verbs: readonly { verb: string; icon: IconType; states: readonly string[] }[] = [
  { verb: 'pauseFlow', icon: CirclePause, states: ['ACTIVE', 'FROZEN'] },
  { verb: 'freezeFlow', icon: Snowflake, states: ['ACTIVE', 'PAUSED'] },
  { verb: 'resumeFlow', icon: Play, states: ['PAUSED', 'FROZEN'] },
  { verb: 'retireFlow', icon: SquareX, states: ['ACTIVE', 'PAUSED', 'FROZEN'] },
];

function EditorBar({ flow, isEdited, saving, onShow }: EditorBarProps) {
  const navigate = useNavigate();
  const may = useMay();
  const state = textAt(flow, 'state');
  const isNew = isEdited || valueAt(flow, 'hasUnpublishedChanges') === true || state === 'DRAFT';
  const mayPublish = may('publishFlow') && state !== 'RETIRED';
  const save = () => saving.mutate(undefined);
  useShortcut('mod+enter', 'form.save', save, isEdited);
  const search = { flowId: textAt(flow, 'id') };
  return (
    <Bar title={<Crumbs resource="flows" title={textAt(flow, 'name')} />} beside={<FlowStateChip flow={flow} />}>
      <Menu label={t('record.more')} button={<IconButton name={t('record.more')} icon={Ellipsis} />}>
        {['flowRuns', 'flowBackfills'].map((resource) => (
          <MenuItem
            key={resource}
            icon={ListTree}
            onAction={() => void navigate({ to: '/$resource', params: { resource }, search: search as never })}
          >
            {labels.resource(resource)}
          </MenuItem>
        ))}
        {verbs
          .filter(({ verb, states }) => states.includes(state) && may(verb))
          .map(({ verb, icon }) => (
            <MenuItem key={verb} icon={icon} onAction={() => saving.mutate(verb)}>
              {labels.operation(verb)}
            </MenuItem>
          ))}
      </Menu>
      {['JOURNEY', 'SEQUENCE'].includes(textAt(flow, 'definition.kind')) && may('listFlowEnrollments') && (
        <IconButton name={labels.resource('customers')} icon={Users} onPress={() => onShow('enrollments')} />
      )}
      <Button icon={FlaskConical} onPress={() => onShow('trial')}>
        {t('flow.try')}
      </Button>
      {may('updateFlow') && isEdited && (
        <Button icon={Check} shortcut={keyText('mod+enter')} onPress={save} isDisabled={saving.isPending}>
          {t('form.save')}
        </Button>
      )}
      {mayPublish && (
        <Button
          kind="primary"
          icon={Rocket}
          isDisabled={!isNew || saving.isPending}
          onPress={() => saving.mutate('publishFlow')}
        >
          {t('flow.publish')}
        </Button>
      )}
    </Bar>
  );
}

function FlowStateChip({ flow }: { flow: Json }) {
  const [state, version] = [textAt(flow, 'state'), textAt(flow, 'activeVersion')];
  const name = labels.value('FlowState', state);
  return (
    <Chip tone={state === 'ACTIVE' ? 'good' : 'quiet'}>
      {version === '' ? name : `${name}, ${t('timeline.version', { version })}`}
    </Chip>
  );
}
