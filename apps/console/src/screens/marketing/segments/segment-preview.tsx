import type { UseQueryResult } from '@tanstack/react-query';
import { ProblemNote } from '../../../app/boundaries.tsx';
import { format, t } from '../../../app/language.ts';
import { useMay } from '../../../app/resource.ts';
import { theContract } from '../../../contract/contract.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../../contract/json.ts';
import { faultText } from '../../../kit/filter/filter-input.tsx';
import { Fault } from '../../../kit/form/form-faults.tsx';
import { useTyped } from '../../../kit/form/use-typed.ts';
import { Reference } from '../../../kit/record/names.tsx';
import { Chip, icons, join, text, Ticks } from '../../../kit/ui.tsx';
import { faultOf, useCount } from '../../list/search.ts';
import style from '../marketing.module.css';
import { previewOf } from './segment-form.tsx';

interface PreviewProps {
  segment: Json | undefined;
  shown: Json;
  /** What a comparison of the stored members with the true ones has found, once it is asked for. */
  verification: UseQueryResult<Json> | undefined;
}

/** How many customers a segment has as it is written, the first of them, and what finding them costs. */
export function SegmentPreview({ segment, shown, verification }: PreviewProps) {
  const may = useMay();
  const isKept = segment !== undefined || textAt(shown, 'kind') !== 'STATIC';
  const { data, error, isFetching } = useTyped({
    collection: 'segments',
    operation: 'previewSegment',
    body: previewOf(shown),
    isAsked: isKept && may('previewSegment'),
  });
  const all = useCount(theContract().resource('customers')!, {}, may('listCustomers'));
  const count = Number(valueAt(data, 'count') ?? 0);
  const fault = faultOf(error, (index) => index);
  return (
    <>
      {textAt(segment, 'stateReason') !== '' && <Fault>{textAt(segment, 'stateReason')}</Fault>}
      {verification && <Verification {...verification} />}
      <div aria-live="polite" className={join(style.count, isFetching && style.waits)}>
        <p className={text.figure}>{t('segment.count', { count })}</p>
        {all !== undefined && all > 0 && (
          <>
            <Ticks label="" count={60} value={count / all} height={10} />
            <p className={text.meta}>{t('segment.share', { share: format.percent(count / all), count: all })}</p>
          </>
        )}
      </div>
      {fault ? <Fault>{faultText(fault)}</Fault> : <ProblemNote error={error} />}
      {data && <Samples samples={itemsAt(data, 'samples')} count={count} cost={Number(data.planCost ?? 0)} />}
    </>
  );
}

function Samples({ samples, count, cost }: { samples: readonly Json[]; count: number; cost: number }) {
  if (count === 0) return <p className={text.two}>{t('segment.nobody')}</p>;
  return (
    <>
      <ul className={style.people} aria-label={t('segment.samples')}>
        {samples.map((sample) => (
          <li key={textAt(sample, 'customerId')}>
            <Reference resource="customers" id={textAt(sample, 'customerId')} />
            <span className={join(text.meta, text.cut)}>{textAt(sample, 'email')}</span>
          </li>
        ))}
      </ul>
      <p className={text.meta}>
        {samples.length < count && `${t('segment.more', { count: count - samples.length })} · `}
        {t(cost > dear ? 'segment.dear' : 'segment.cheap', { count: Math.round(cost) })}
      </p>
    </>
  );
}

/** Pages that the planner expects to read for a filter that is slow to build. */
const dear = 50_000;

function Verification({ data, error, isFetching }: UseQueryResult<Json>) {
  if (error) return <ProblemNote error={error} />;
  if (!data || isFetching) return <p role="status">{t('segment.verifying')}</p>;
  const [missing, extra] = [Number(data.missingCount ?? 0), Number(data.extraCount ?? 0)];
  return (
    <p role="status" className={join(text.row, text.wrap)}>
      {data.equal === true ? (
        <Chip tone="good" icon={icons.ShieldCheck}>
          {t('segment.equal', { count: Number(data.size ?? 0) })}
        </Chip>
      ) : (
        <Chip tone="danger" icon={icons.TriangleAlert}>
          {t('segment.unequal', { missing, extra })}
        </Chip>
      )}
      <span className={text.micro}>{t('segment.position', { position: textAt(data, 'position') })}</span>
    </p>
  );
}
