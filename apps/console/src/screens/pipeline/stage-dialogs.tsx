import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { keyOfName } from '../../app/labels.ts';
import { labels, t } from '../../app/language.ts';
import { call, invalidate, readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { optionsOf, useFirst } from '../../kit/form/choices.ts';
import { Ask } from '../../kit/form/ask.tsx';
import { Check, Select, TextField } from '../../kit/form/field.tsx';
import type { Faults } from '../../kit/form/form-faults.tsx';
import { Form } from '../../kit/form/form.tsx';
import { keep } from '../../kit/form/use-draft.ts';
import { notify } from '../../kit/notices.ts';
import { text } from '../../kit/ui.tsx';

interface StageDialogProps extends RemoveStageProps {
  dialog: 'add' | 'remove' | 'archive';
  onAdded: (key: string) => void;
}

/** What needs an answer first: a new stage, or where the deals of a removed one go. */
export default function StageDialog({ dialog, pipeline, stage, onAdded, onClose }: StageDialogProps) {
  if (dialog === 'add') return <AddStage {...{ pipeline, onAdded, onClose }} />;
  if (dialog === 'archive') return <ArchivePipeline {...{ pipeline, onClose }} />;
  return <RemoveStage {...{ pipeline, stage, onClose }} />;
}

interface AddStageProps {
  pipeline: Json;
  onAdded: (key: string) => void;
  onClose: () => void;
}

/** A new stage, before the first one that ends the way of a deal unless another place is chosen. */
function AddStage({ pipeline, onAdded, onClose }: AddStageProps) {
  const stages = itemsAt(pipeline, 'stages');
  const end = stages.find(({ kind }) => kind !== 'OPEN');
  const [before, setBefore] = useState(textAt(end, 'key'));
  const [stage, setStage] = useState<Json>({ kind: 'OPEN' });
  const [ownKey, setOwnKey] = useState(false);
  const shown = { ...stage, key: ownKey ? stage.key : keyOfName(textAt(stage, 'name')) };
  const add = async () => {
    const filled = Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== null && value !== ''));
    const body = { stage: filled, ...(before !== '' && { before }) };
    keep(
      'pipelines',
      await call('addStage', { id: textAt(pipeline, 'id') }, { body, ifMatch: textAt(pipeline, 'etag') }),
    );
    onAdded(textAt(filled, 'key'));
  };
  return (
    <Ask title={t('pipeline.add')} acts={[{ name: t('pipeline.add'), run: add }]} onClose={onClose} names={['stage']}>
      {(faults) => (
        <>
          <Form
            message="Stage"
            names={['name', 'key', 'kind', 'probability']}
            value={shown}
            onChange={(next) => {
              if (next.key !== shown.key) setOwnKey(true);
              setStage(next);
            }}
            faults={faults}
            at="/stage"
            autoFocus
            isBrief
          />
          <Select
            label={t('pipeline.before')}
            value={before}
            onChange={setBefore}
            options={[...optionsOf(stages, 'key'), { id: '', name: t('pipeline.last') }]}
          />
        </>
      )}
    </Ask>
  );
}

interface RemoveStageProps {
  pipeline: Json;
  stage: Json;
  onClose: () => void;
}

/** Removes a stage; its deals go to another one. */
function RemoveStage({ pipeline, stage, onClose }: RemoveStageProps) {
  const key = textAt(stage, 'key');
  const stages = itemsAt(pipeline, 'stages');
  const others = stages.filter((each) => each.key !== key);
  const at = stages.findIndex((each) => each.key === key);
  const [moveTo, setMoveTo] = useState(textAt(stages[at === 0 ? 1 : at - 1], 'key'));
  const [how, setHow] = useState<Json>({});
  const filter = `pipelineId = ${textAt(pipeline, 'id')} AND stage = ${key}`;
  const { data } = useQuery(readQuery('aggregateDeals', { filter }));
  const remove = async () => {
    const body = { stage: key, moveTo, ...how };
    const answer = await call(
      'removeStage',
      { id: textAt(pipeline, 'id') },
      { body, ifMatch: textAt(pipeline, 'etag') },
    );
    keep('pipelines', (answer.pipeline ?? {}) as Json);
    await invalidate('deals');
    notify(t('pipeline.removed', { name: textAt(stage, 'name'), count: Number(answer.movedDeals ?? 0) }));
  };
  return (
    <Ask
      title={t('pipeline.removeTitle', { name: textAt(stage, 'name') })}
      acts={[{ name: t('pipeline.remove'), run: remove }]}
      onClose={onClose}
      names={['moveTo', 'reason']}
    >
      {(faults) => (
        <>
          <p className={text.two}>{t('pipeline.removeHelp', { count: Number(valueAt(data, 'total.count') ?? 0) })}</p>
          <Select
            label={labels.field('StageRemoval', 'moveTo')}
            value={moveTo}
            onChange={setMoveTo}
            options={optionsOf(others, 'key')}
            error={faults.get('/moveTo')}
          />
          <HowMoved how={how} onChange={setHow} faults={faults} />
        </>
      )}
    </Ask>
  );
}

/** Deletes a pipeline; its deals go to a stage of another one. */
function ArchivePipeline({ pipeline, onClose }: { pipeline: Json; onClose: () => void }) {
  const navigate = useNavigate();
  const id = textAt(pipeline, 'id');
  const { data: deals } = useQuery(readQuery('aggregateDeals', { filter: `pipelineId = ${id}` }));
  const others = useFirst('pipelines').filter((each) => each.id !== id);
  const [to, setTo] = useState('');
  const [stage, setStage] = useState('');
  const [how, setHow] = useState<Json>({});
  const stages = itemsAt(
    others.find((each) => each.id === to),
    'stages',
  );
  const archive = async () => {
    const body = { ...(to !== '' && { moveToPipelineId: to, moveToStage: stage }), ...how };
    const answer = await call('archivePipeline', { id }, { body, ifMatch: textAt(pipeline, 'etag') });
    await navigate({ to: '/$resource', params: { resource: 'pipelines' } });
    await Promise.all([invalidate('pipelines'), invalidate('deals')]);
    notify(t('pipeline.archived', { name: textAt(pipeline, 'name'), count: Number(answer.movedDeals ?? 0) }));
  };
  return (
    <Ask
      title={t('pipeline.archiveTitle', { name: textAt(pipeline, 'name') })}
      acts={[{ name: t('pipeline.archive'), run: archive }]}
      onClose={onClose}
      names={['moveToPipelineId', 'moveToStage', 'reason']}
    >
      {(faults) => (
        <>
          <p className={text.two}>{t('pipeline.removeHelp', { count: Number(valueAt(deals, 'total.count') ?? 0) })}</p>
          <Select
            label={labels.field('PipelineArchival', 'moveToPipelineId')}
            value={to}
            onChange={setTo}
            options={[{ id: '', name: t('form.none') }, ...optionsOf(others)]}
            error={faults.get('/moveToPipelineId')}
          />
          {to !== '' && (
            <Select
              label={labels.field('PipelineArchival', 'moveToStage')}
              value={stage}
              onChange={setStage}
              options={optionsOf(stages, 'key')}
              error={faults.get('/moveToStage')}
            />
          )}
          <HowMoved how={how} onChange={setHow} faults={faults} />
        </>
      )}
    </Ask>
  );
}

/** The reason that stage entries keep, and whether guards apply. */
function HowMoved({ how, onChange, faults }: { how: Json; onChange: (how: Json) => void; faults: Faults }) {
  const { reason: _, ...rest } = how;
  return (
    <>
      <TextField
        label={labels.field('StageRemoval', 'reason')}
        value={textAt(how, 'reason')}
        onChange={(reason) => onChange({ ...rest, ...(reason !== '' && { reason }) })}
        error={faults.get('/reason')}
      />
      <Check
        label={t('pipeline.override')}
        isSelected={how.override === true}
        onChange={(override) => onChange({ ...how, override })}
      />
    </>
  );
}
