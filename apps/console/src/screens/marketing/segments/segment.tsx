import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { labels, t } from '../../../app/language.ts';
import { useMay } from '../../../app/resource.ts';
import { Bar } from '../../../app/shell/shell.tsx';
import { readQuery } from '../../../contract/api.ts';
import { textAt, type Json } from '../../../contract/json.ts';
import { Crumbs } from '../../../kit/crumbs.tsx';
import { Editor } from '../../../kit/editor.tsx';
import { FormFault } from '../../../kit/form/form-faults.tsx';
import { SaveButton } from '../../../kit/form/save-button.tsx';
import { useDraft, type Draft } from '../../../kit/form/use-draft.ts';
import { MenuItem } from '../../../kit/overlay.tsx';
import { RecordOfAddress } from '../../../kit/record-of-address.tsx';
import { StateChip, useActs, type StateAct } from '../../../kit/record/states.tsx';
import { Button, icons } from '../../../kit/ui.tsx';
import { RecordMenu } from '../../../kit/record/record-menu.tsx';
import { useGoOn } from '../../../kit/use-go-on.ts';
import { OperationDialog } from '../../operation/operation-dialog.tsx';
import { SegmentForm } from './segment-form.tsx';
import { SegmentPreview } from './segment-preview.tsx';

/** A segment: whom it selects, beside how many they are and who the first of them are. */
export function SegmentScreen() {
  return <RecordOfAddress get="getSegment">{(segment) => <SegmentEditor segment={segment} />}</RecordOfAddress>;
}

function SegmentEditor({ segment }: { segment: Json | undefined }) {
  const navigate = useGoOn();
  const may = useMay();
  const draft = useDraft({
    resource: 'segments',
    record: segment,
    begin: { kind: 'DYNAMIC' },
    onCreated: ({ id }) => void navigate({ to: '/segments/$id/definition', params: { id: String(id) }, replace: true }),
  });
  const [isVerified, setIsVerified] = useState(false);
  const id = textAt(segment, 'id');
  const verification = useQuery({ ...readQuery('verifySegment', { id }, isVerified), staleTime: 0 });
  const verify = () => (isVerified ? void verification.refetch() : setIsVerified(true));
  return (
    <>
      <SegmentBar segment={segment} draft={draft} onVerify={verify} />
      <Editor
        isDisabled={!may(segment ? 'updateSegment' : 'createSegment')}
        label={t('segment.preview')}
        left={
          <>
            <SegmentForm draft={draft} isNew={!segment} />
            <FormFault error={draft.error} names={['key', 'name', 'description', 'filter', 'excludeSegmentIds']} />
          </>
        }
        right={
          <SegmentPreview segment={segment} shown={draft.shown} verification={isVerified ? verification : undefined} />
        }
      />
    </>
  );
}

/** What can be done with a segment in each of its states. */
const acts: readonly StateAct[] = [
  { verb: 'rebuildSegment', icon: icons.RefreshCw, states: ['LIVE', 'FAILED'] },
  { verb: 'pauseSegment', icon: icons.CirclePause, states: ['LIVE', 'BUILDING'] },
  { verb: 'resumeSegment', icon: icons.Play, states: ['PAUSED'] },
];

const tones = { LIVE: 'good', FAILED: 'danger', PAUSED: 'warn', BUILDING: 'info' } as const;

function SegmentBar({ segment, draft, onVerify }: { segment: Json | undefined; draft: Draft; onVerify: () => void }) {
  const navigate = useNavigate();
  const may = useMay();
  const [isCopied, setIsCopied] = useState(false);
  const possible = useActs(acts, segment);
  const id = textAt(segment, 'id');
  const isDynamic = textAt(segment, 'kind') === 'DYNAMIC';
  const title = textAt(draft.shown, 'name') || t('form.new', { what: labels.one('segment') });
  return (
    <Bar
      title={<Crumbs resource="segments" title={title} />}
      beside={segment && <StateChip record={segment} of="SegmentState" tones={tones} />}
    >
      <RecordMenu resource="segments" id={id}>
        <MenuItem
          icon={icons.Users}
          onAction={() =>
            void navigate({
              to: '/$resource',
              params: { resource: 'segmentMembers' },
              search: { filter: `segmentId = ${id}` } as never,
            })
          }
        >
          {labels.resource('segmentMembers')}
        </MenuItem>
        <MenuItem icon={icons.Camera} onAction={() => setIsCopied(true)}>
          {labels.operation('snapshotSegment')}
        </MenuItem>
        {isDynamic
          ? possible.map(({ verb, icon }) => (
              <MenuItem key={verb} icon={icon} onAction={() => draft.act(verb)}>
                {labels.operation(verb)}
              </MenuItem>
            ))
          : null}
      </RecordMenu>
      {segment && textAt(segment, 'kind') !== 'STATIC' && may('verifySegment') && (
        <Button icon={icons.ShieldCheck} onPress={onVerify}>
          {labels.operation('verifySegment')}
        </Button>
      )}
      <SaveButton draft={draft} />
      {isCopied && <OperationDialog id="snapshotSegment" parameters={{ id }} onClose={() => setIsCopied(false)} />}
    </Bar>
  );
}
