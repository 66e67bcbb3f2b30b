import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { labels, t } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { Bar } from '../../app/shell/shell.tsx';
import { textAt, type Json } from '../../contract/json.ts';
import { Crumbs } from '../../kit/crumbs.tsx';
import { Editor, Pair, Section } from '../../kit/editor.tsx';
import { DraftField } from '../../kit/form/draft-field.tsx';
import { FormFault } from '../../kit/form/form-faults.tsx';
import { SaveButton } from '../../kit/form/save-button.tsx';
import { useDraft, type Draft } from '../../kit/form/use-draft.ts';
import { RecordOfAddress } from '../../kit/record-of-address.tsx';
import { StateChip } from '../../kit/record/states.tsx';
import { Button, icons, text } from '../../kit/ui.tsx';
import { call, invalidate } from '../../contract/api.ts';
import { Ask } from '../../kit/form/ask.tsx';
import { Segments } from '../../kit/form/segments.tsx';
import { notify } from '../../kit/notices.ts';
import { Simulation } from './simulation.tsx';
import { TargetTable } from './target-table.tsx';

/** A service level policy: which tickets it is for, and what it promises them, beside what it would have made of past ones. */
export function SlaPolicyEditor() {
  return <RecordOfAddress get="getSlaPolicy">{(policy) => policy && <PolicyEditor policy={policy} />}</RecordOfAddress>;
}

function PolicyEditor({ policy }: { policy: Json }) {
  const mayEdit = useMay()('updateSlaPolicy');
  const draft = useDraft({ resource: 'slaPolicies', record: policy });
  const [isTrying, setIsTrying] = useState(false);
  const field = (name: string) => <DraftField draft={draft} message="SlaPolicy" name={name} isLine isExplained />;
  return (
    <>
      <EditorBar policy={policy} draft={draft} onTry={() => setIsTrying(true)} />
      <Editor
        isDisabled={!mayEdit}
        label={t('sla.simulation')}
        left={
          <>
            <Section title={labels.singular('slaPolicy')}>
              <Pair>
                {field('name')}
                {field('position')}
              </Pair>
              <Pair>
                {field('filter')}
                {field('calendarId')}
              </Pair>
            </Section>
            <TargetTable policy={draft.shown} faults={draft.faults} onChange={(targets) => draft.change({ targets })} />
            <FormFault error={draft.error} names={['name', 'position', 'filter', 'calendarId', 'targets']} />
          </>
        }
        right={
          isTrying ? (
            <Simulation policy={policy} isEdited={draft.isEdited} onClose={() => setIsTrying(false)} />
          ) : undefined
        }
      />
    </>
  );
}

interface BarProps {
  policy: Json;
  draft: Draft;
  onTry: () => void;
}

function EditorBar({ policy, draft, onTry }: BarProps) {
  const may = useMay();
  const [isActivating, setIsActivating] = useState(false);
  const name = textAt(policy, 'name');
  return (
    <Bar
      title={<Crumbs resource="slaPolicies" title={name} />}
      beside={<StateChip record={policy} of="SlaPolicyState" />}
    >
      {may('retireSlaPolicy') && textAt(policy, 'state') === 'ACTIVE' && (
        <Button
          kind="bare"
          icon={icons.SquareX}
          onPress={() => draft.act('retireSlaPolicy', undefined, t('sla.retired', { name }))}
        >
          {labels.operation('retireSlaPolicy')}
        </Button>
      )}
      <Button icon={icons.FlaskConical} onPress={onTry}>
        {t('sla.simulate')}
      </Button>
      {draft.isEdited && <SaveButton kind="plain" draft={draft} />}
      {may('activateSlaPolicy') && (
        <Button kind="primary" icon={icons.Rocket} isDisabled={draft.isEdited} onPress={() => setIsActivating(true)}>
          {t('sla.activate')}
        </Button>
      )}
      {isActivating && <ActivateDialog policy={policy} onClose={() => setIsActivating(false)} />}
    </Bar>
  );
}

/** Makes the saved policy the active version, after it has said how many open tickets that concerns. */
function ActivateDialog({ policy, onClose }: { policy: Json; onClose: () => void }) {
  const [openTickets, setOpenTickets] = useState('KEEP');
  const [id, etag] = [textAt(policy, 'id'), textAt(policy, 'etag')];
  const body = { openTickets };
  const { data } = useQuery({
    queryKey: ['slaPolicies', 'activateSlaPolicy', id, etag, openTickets],
    queryFn: ({ signal }) => call('activateSlaPolicy', { id, validateOnly: true }, { body, signal }),
    retry: false,
  });
  const activate = async () => {
    await call('activateSlaPolicy', { id }, { body, ifMatch: etag });
    await Promise.all(['slaPolicies', 'slaTimers', 'tickets'].map(invalidate));
    notify(t('sla.activated', { name: textAt(policy, 'name') }));
  };
  return (
    <Ask
      title={t('sla.activateTitle', { name: textAt(policy, 'name') })}
      acts={[{ name: t('sla.activate'), run: activate }]}
      onClose={onClose}
      names={[]}
    >
      {() => (
        <>
          <p>{t('sla.activateHelp')}</p>
          <Segments
            label={labels.field('SlaActivation', 'openTickets')}
            value={openTickets}
            onChange={setOpenTickets}
            options={labels.values('OpenTickets').map(({ id }) => ({ id, name: t(`sla.open.${id}`) }))}
          />
          <p className={text.meta} aria-live="polite">
            {data
              ? t('sla.concerns', {
                  count: Number(textAt(data, 'affectedTickets') || 0),
                  of: Number(textAt(data, 'checkedTickets') || 0),
                })
              : t('sla.simulating')}
          </p>
        </>
      )}
    </Ask>
  );
}
