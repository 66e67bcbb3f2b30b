import { useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { labels, t } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { Bar } from '../../app/shell/shell.tsx';
import { useShortcut } from '../../app/shortcuts.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { Crumbs } from '../../kit/crumbs.tsx';
import { RecordOfAddress } from '../../kit/record-of-address.tsx';
import { theContract } from '../../contract/contract.ts';
import { EditorFields, EditorFoot, ListEditor } from '../../kit/editor.tsx';
import { TextField } from '../../kit/form/field.tsx';
import { FormFault, type Faults } from '../../kit/form/form-faults.tsx';
import { SaveButton } from '../../kit/form/save-button.tsx';
import { Segments } from '../../kit/form/segments.tsx';
import { MenuItem } from '../../kit/overlay.tsx';
import { Choice } from '../../kit/record/diff.tsx';
import { RecordMenu } from '../../kit/record/record-menu.tsx';
import { Button, Icon, icons, text } from '../../kit/ui.tsx';
import { afterSaving, clashesOf, edited, valueIn, withEdits, type Edits } from './edits.ts';
import { useOrder, useSaving } from './saving.ts';
import { StageList } from './stage-list.tsx';
import style from './pipeline.module.css';

// The forms come after the list: together they are more than a screen may load at once.
const StageForm = lazy(() => import('./stage-form.tsx'));
const StageDialog = lazy(() => import('./stage-dialogs.tsx'));

/** The stages of a pipeline: their order, their fields and guards, and the moves between them. */
export function PipelineEditor() {
  return (
    <RecordOfAddress get="getPipeline">{(pipeline) => pipeline && <Editor pipeline={pipeline} />}</RecordOfAddress>
  );
}

function Editor({ pipeline }: { pipeline: Json }) {
  const mayEdit = useMay()('updatePipeline');
  const [edits, setEdits] = useState<Edits>({});
  const [chosen, setChosen] = useState('');
  const [dialog, setDialog] = useState<'add' | 'remove' | 'archive'>();
  const saving = useSaving(pipeline, edits, (saved) => setEdits((now) => afterSaving(now, saved)));
  const order = useOrder(pipeline);
  const shown = inOrder(edited(pipeline, edits), order.keys);
  const stages = itemsAt(shown, 'stages');
  const stage = stages.find(({ key }) => key === chosen) ?? stages[0];
  const remove = () => stages.length > 1 && setDialog('remove');
  const edit = (prefix: string, next: Json) => setEdits((known) => withEdits(known, pipeline, prefix, next));
  useShortcut('a', 'pipeline.add', () => setDialog('add'), mayEdit);
  const head = {
    pipeline: shown,
    edits,
    saving,
    mayEdit,
    onDiscard: () => setEdits({}),
    onArchive: () => setDialog('archive'),
  };
  return (
    <>
      <EditorBar {...head} />
      <ListEditor
        isDisabled={!mayEdit}
        left={
          <>
            <PipelineFields
              pipeline={shown}
              faults={saving.faults}
              onChange={(next) => edit('', next)}
              onLeave={saving.check}
            />
            <StageList
              stages={stages}
              chosen={textAt(stage, 'key')}
              onChoose={setChosen}
              onOrder={order.run}
              onRemove={remove}
              faults={saving.faults}
            />
            <FormFault error={order.error} names={[]} />
            <EditorFoot>
              <Button small icon={icons.Plus} shortcut="A" onPress={() => setDialog('add')}>
                {t('pipeline.add')}
              </Button>
            </EditorFoot>
          </>
        }
        right={
          <>
            {/* Until a save has ended, its own values look like those of another user. */}
            {!saving.isPending && <Clashes pipeline={pipeline} edits={edits} onSettle={setEdits} />}
            <FormFault error={saving.error} names={['name', 'stages', 'transitions']} />
            <Suspense>
              {stage && (
                <StageForm
                  key={textAt(stage, 'key')}
                  pipeline={shown}
                  stage={stage}
                  faults={saving.faults}
                  onChange={(next) => edit(`stages.${textAt(stage, 'key')}.`, next)}
                  onPairs={(transitionPairs) => edit('', { transitionPairs })}
                  onRemove={remove}
                  onLeave={saving.check}
                />
              )}
            </Suspense>
          </>
        }
      />
      <Suspense>
        {dialog && stage && (
          <StageDialog {...{ dialog, pipeline, stage }} onAdded={setChosen} onClose={() => setDialog(undefined)} />
        )}
      </Suspense>
    </>
  );
}

interface EditorBarProps {
  pipeline: Json;
  edits: Edits;
  saving: ReturnType<typeof useSaving>;
  mayEdit: boolean;
  onDiscard: () => void;
  onArchive: () => void;
}

function EditorBar({ pipeline, edits, saving, mayEdit, onDiscard, onArchive }: EditorBarProps) {
  const navigate = useNavigate();
  const id = textAt(pipeline, 'id');
  const count = Object.keys(edits).length;
  useShortcut('mod+enter', 'form.save', saving.save, count > 0);
  return (
    <Bar
      title={<Crumbs resource="pipelines" title={textAt(pipeline, 'name')} />}
      beside={count > 0 ? t('pipeline.unsaved', { count }) : undefined}
    >
      <RecordMenu resource="pipelines" id={id}>
        <MenuItem
          icon={icons.ChartNoAxesColumn}
          onAction={() => void navigate({ to: '/reports', search: { pipeline: id } as never })}
        >
          {t('reports.title')}
        </MenuItem>
        {mayEdit ? (
          <MenuItem icon={icons.Archive} onAction={onArchive}>
            {t('pipeline.archive')}
          </MenuItem>
        ) : null}
      </RecordMenu>
      {count > 0 && <Button onPress={onDiscard}>{t('pipeline.discard')}</Button>}
      {mayEdit && <SaveButton draft={{ isEdited: count > 0, isPending: saving.isPending, save: saving.save }} />}
    </Bar>
  );
}

interface PipelineFieldsProps {
  pipeline: Json;
  faults: Faults;
  onChange: (next: Json) => void;
  onLeave: () => void;
}

function PipelineFields({ pipeline, faults, onChange, onLeave }: PipelineFieldsProps) {
  const transitions = textAt(pipeline, 'transitions') || 'ANY';
  const change = (next: string) =>
    onChange({ transitions: next, transitionPairs: next === 'LISTED' ? pairsOf(itemsAt(pipeline, 'stages')) : [] });
  return (
    <EditorFields onBlur={onLeave}>
      <TextField
        label={labels.field('Pipeline', 'name')}
        value={textAt(pipeline, 'name')}
        onChange={(name) => onChange({ name })}
        error={faults.get('/name')}
      />
      <div className={style.field}>
        <span className={text.meta}>{t('pipeline.moves')}</span>
        <Segments
          label={t('pipeline.moves')}
          value={transitions}
          onChange={change}
          options={labels.values('StageTransitions')}
        />
        <p className={text.meta}>{t(`pipeline.moves.${transitions}`)}</p>
      </div>
    </EditorFields>
  );
}

/** What to begin a list of moves with: to the next stage, and from each open one to those of lost deals. */
function pairsOf(stages: readonly Json[]): Json[] {
  const isKind = (kind: string) => (stage: Json | undefined) => textAt(stage, 'kind') === kind;
  return stages.filter(isKind('OPEN')).flatMap((from) => {
    const next = stages[stages.indexOf(from) + 1];
    const ends = [...(next ? [next] : []), ...stages.filter(isKind('LOST'))];
    return [...new Set(ends)].map((to) => ({ from: from.key, to: to.key }));
  });
}

/** Fields that another user changed since, to another value than here: one of the two is taken. */
function Clashes({ pipeline, edits, onSettle }: { pipeline: Json; edits: Edits; onSettle: (edits: Edits) => void }) {
  const paths = clashesOf(pipeline, edits);
  if (paths.length === 0) return null;
  const settle = (path: string, isYours: boolean) => {
    const { [path]: clash, ...others } = edits;
    onSettle(isYours && clash ? { ...others, [path]: { ...clash, was: valueIn(pipeline, path) } } : others);
  };
  return (
    <div role="alert" className={style.clashes}>
      <p className={text.row}>
        <Icon of={icons.TriangleAlert} /> {t('pipeline.clash')}
      </p>
      {paths.map((path) => {
        const [name = '', key, part] = path.split('.');
        const message = key === undefined ? 'Pipeline' : 'Stage';
        const field = theContract().field(message, part ?? name) ?? { name, type: 'text' };
        const stage = itemsAt(pipeline, 'stages').find((each) => each.key === key);
        return (
          <Choice
            key={path}
            label={[textAt(stage, 'name'), labels.field(message, field.name)].filter((each) => each !== '').join(', ')}
            field={field}
            theirs={valueIn(pipeline, path)}
            yours={edits[path]?.value}
            side="theirs"
            onChange={(side) => settle(path, side === 'yours')}
          />
        );
      })}
      <Button
        small
        onPress={() => onSettle(Object.fromEntries(Object.entries(edits).filter(([path]) => !paths.includes(path))))}
      >
        {t('conflict.takeTheirs')}
      </Button>
    </div>
  );
}

function inOrder(pipeline: Json, keys: readonly string[]): Json {
  const place = (stage: Json) => keys.indexOf(textAt(stage, 'key'));
  return { ...pipeline, stages: itemsAt(pipeline, 'stages').toSorted((one, other) => place(one) - place(other)) };
}
