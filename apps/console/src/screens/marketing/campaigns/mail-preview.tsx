import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { Pending, ProblemNote } from '../../../app/boundaries.tsx';
import { labels, t } from '../../../app/language.ts';
import { useMay } from '../../../app/resource.ts';
import { useSession } from '../../../app/session.ts';
import { call } from '../../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../../contract/json.ts';
import { ReferencePicker } from '../../../kit/form/reference.tsx';
import { Segments } from '../../../kit/form/segments.tsx';
import { useTyped } from '../../../kit/form/use-typed.ts';
import { Chip, IconButton, icons, join, text } from '../../../kit/ui.tsx';
import { useRecord } from '../../../kit/record/names.tsx';
import { OperationButton } from '../operation-button.tsx';
import style from '../marketing.module.css';
import type { Checked } from './checklist.tsx';

const MailFrame = lazy(() => import('../../ticket/mail/mail-frame.tsx'));

interface MailPreviewProps {
  campaign: Json | undefined;
  shown: Json;
  isEdited: boolean;
  /** Those of the variants have their keys: a wrong one has no e-mail yet. */
  checks: readonly Checked[];
}

type Look = 'wide' | 'phone' | 'text';

/** The e-mail of a variant as one of the audience gets it. */
export function MailPreview({ campaign, shown, isEdited, checks }: MailPreviewProps) {
  const [look, setLook] = useState<Look>('wide');
  const [key, setKey] = useState('');
  const keys = itemsAt(shown, 'variants').map((variant) => textAt(variant, 'key'));
  const variantKey = keys.includes(key) ? key : (keys[0] ?? '');
  return (
    <section className={style.preview} aria-label={t('campaign.preview')}>
      <header className={join(text.row, text.wrap)}>
        <h2 className={text.grow}>{t('campaign.preview')}</h2>
        {keys.length > 1 && (
          <Segments
            small
            label={labels.field('Campaign', 'variants')}
            value={variantKey}
            onChange={setKey}
            options={keys.map((each) => ({ id: each, name: each.toUpperCase() }))}
          />
        )}
        <Segments
          small
          label={t('campaign.look')}
          value={look}
          onChange={setLook}
          options={[
            { id: 'wide', name: t('campaign.look.wide'), icon: icons.Monitor, isIcon: true },
            { id: 'phone', name: t('campaign.look.phone'), icon: icons.Smartphone, isIcon: true },
            { id: 'text', name: t('campaign.look.text'), icon: icons.Type, isIcon: true },
          ]}
        />
      </header>
      {campaign ? (
        <Rendered {...{ campaign, shown, variantKey, look, isEdited, checks }} />
      ) : (
        <p className={text.two}>{t('campaign.previewLater')}</p>
      )}
    </section>
  );
}

interface RenderedProps extends MailPreviewProps {
  campaign: Json;
  variantKey: string;
  look: Look;
}

function Rendered({ campaign, shown, variantKey, look, isEdited, checks }: RenderedProps) {
  const people = useSamples(shown);
  const [chosen, setChosen] = useState('');
  const at = people.indexOf(chosen);
  const customerId = chosen || (people[0] ?? '');
  const id = textAt(campaign, 'id');
  const may = useMay();
  const { user } = useSession();
  const isThere = checks.every(({ key, state }) => key !== variantKey || state !== 'wrong');
  const { data, error } = useQuery({
    queryKey: ['campaigns', 'previewCampaign', id, textAt(campaign, 'etag'), customerId, variantKey],
    queryFn: ({ signal }) => call('previewCampaign', { id, customerId, variantKey }, { signal }),
    enabled: customerId !== '' && isThere && may('previewCampaign'),
    placeholderData: (previous) => previous,
    retry: false,
  });
  const go = (by: number) => setChosen(people.at((Math.max(0, at) + by) % people.length) ?? '');
  return (
    <>
      <div className={style.stepper}>
        <ReferencePicker
          key={customerId}
          resource="customers"
          label={t('campaign.as')}
          value={customerId}
          onChange={setChosen}
        />
        <IconButton
          small
          name={t('record.previous')}
          icon={icons.ChevronLeft}
          onPress={() => go(-1)}
          isDisabled={people.length < 2}
        />
        <IconButton
          small
          name={t('record.next')}
          icon={icons.ChevronRight}
          onPress={() => go(1)}
          isDisabled={people.length < 2}
        />
      </div>
      {isEdited && <p className={text.meta}>{t('campaign.previewSaved')}</p>}
      <ProblemNote error={error} />
      {customerId === '' && <p className={text.two}>{t('check.nobody')}</p>}
      {data && <Mail mail={data} customerId={customerId} look={look} />}
      {data && (
        <span>
          <OperationButton
            id="testCampaign"
            icon={icons.Send}
            parameters={{ id }}
            body={{ userIds: [user.id], customerId }}
          />
        </span>
      )}
    </>
  );
}

function Mail({ mail, customerId, look }: { mail: Json; customerId: string; look: Look }) {
  const customer = useRecord('customers', customerId);
  const [html, reason] = [textAt(mail, 'html'), textAt(mail, 'reason')];
  const subject = textAt(mail, 'subject');
  return (
    <article className={join(style.mail, look === 'phone' && style.phone)}>
      <header>
        <b>{subject}</b>
        <span className={text.meta}>{textAt(itemsAt(customer, 'emails')[0], 'address')}</span>
        {reason !== '' && (
          <Chip tone="warn">{t('campaign.wouldNot', { reason: labels.value('RecipientReason', reason) })}</Chip>
        )}
      </header>
      {look === 'text' || html === '' ? (
        <pre tabIndex={0}>{textAt(mail, 'text')}</pre>
      ) : (
        <Suspense fallback={<Pending />}>
          <MailFrame key={html} html={html} title={subject} />
        </Suspense>
      )}
    </article>
  );
}

/** The first customers of the segments that a campaign includes. */
function useSamples(shown: Json): string[] {
  const may = useMay();
  const ids = Array.isArray(shown.includeSegmentIds) ? shown.includeSegmentIds.map(String) : [];
  const { data } = useTyped({
    collection: 'segments',
    operation: 'previewSegment',
    body: { filter: `segmentMembers.segmentId IN (${ids.join(', ')})` },
    isAsked: ids.length > 0 && may('previewSegment'),
  });
  return itemsAt(data, 'samples').map((sample) => textAt(sample, 'customerId'));
}
