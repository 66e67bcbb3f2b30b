import { useMemo } from 'react';
import { keyOfName } from '../../../app/labels.ts';
import { labels, t } from '../../../app/language.ts';
import { useCustomFields } from '../../../app/resource.ts';
import { theContract, type Resource } from '../../../contract/contract.ts';
import { textAt, type Json } from '../../../contract/json.ts';
import { Pair, Section } from '../../../kit/editor.tsx';
import { useFilterNames } from '../../../kit/filter/filter-completion.ts';
import { FilterBuilder, namesWithin, type RowField } from '../../../kit/filter/filter-builder.tsx';
import { TextField } from '../../../kit/form/field.tsx';
import type { Option } from '../../../kit/form/choose.tsx';
import { DraftField } from '../../../kit/form/draft-field.tsx';
import type { FormField } from '../../../kit/form/form-field.ts';
import { ReferencePicker } from '../../../kit/form/reference.tsx';
import { Segments } from '../../../kit/form/segments.tsx';
import type { Draft } from '../../../kit/form/use-draft.ts';
import { usePeople } from '../../../kit/record/names.tsx';
import { text } from '../../../kit/ui.tsx';
import { optionsOf, useFirst } from '../../../kit/form/choices.ts';

/** Records whose fields a segment can ask for, besides those of customers: a customer is in it who has one that fits. */
const within = ['deals', 'tickets'] as const;

/** What a segment is called, and whom it selects. */
export function SegmentForm({ draft, isNew }: { draft: Draft; isNew: boolean }) {
  const { shown, change, faults } = draft;
  const segments = optionsOf(useFirst('segments')).filter(({ id }) => id !== shown.id);
  const kind = textAt(shown, 'kind');
  return (
    <>
      <Section title={t('segment.about')}>
        <Pair>
          <TextField
            label={`${labels.field('Segment', 'name')} *`}
            value={textAt(shown, 'name')}
            onChange={(name) => change({ name, ...(isNew && { key: keyOfName(name, 'segment') }) })}
            error={faults.get('/name')}
            autoFocus={isNew}
          />
          {isNew && <DraftField draft={draft} message="Segment" name="key" />}
        </Pair>
        <DraftField draft={draft} message="Segment" name="description" isLine />
        {isNew && (
          <>
            <span>
              <Segments
                label={labels.field('Segment', 'kind')}
                value={kind}
                onChange={(next) =>
                  change({ kind: next, ...(next === 'STATIC' && { filter: null, excludeSegmentIds: [] }) })
                }
                options={labels.values('SegmentKind')}
              />
            </span>
            <p className={text.meta}>{t(`segment.kind.${kind}`)}</p>
          </>
        )}
      </Section>
      {kind === 'STATIC' && !isNew && <Members segmentId={textAt(shown, 'id')} draft={draft} />}
      {kind !== 'STATIC' && (
        <Section title={t('segment.who')}>
          <FilterRows draft={draft} segments={segments} />
          <DraftField draft={draft} message="Segment" name="excludeSegmentIds" options={segments} />
        </Section>
      )}
    </>
  );
}

/** Adds customers to a segment whose members are chosen one by one. */
function Members({ segmentId, draft }: { segmentId: string; draft: Draft }) {
  return (
    <Section title={t('segment.add')}>
      <ReferencePicker
        key={textAt(draft.shown, 'size') + segmentId}
        resource="customers"
        label={labels.singular('customer')}
        value=""
        onChange={(id) => id !== '' && draft.act('addSegmentMembers', { customerIds: [id] })}
      />
      <p className={text.meta}>{t('segment.addHelp')}</p>
    </Section>
  );
}

function FilterRows({ draft, segments }: { draft: Draft; segments: readonly Option[] }) {
  const resource = theContract().resource('customers')!;
  const names = useRowFields(resource, segments);
  const fault = draft.faults.get('/filter');
  return (
    <FilterBuilder
      resource={resource}
      names={names}
      value={textAt(draft.shown, 'filter')}
      onChange={(filter) => draft.change({ filter: filter === '' ? null : filter })}
      fault={fault === undefined ? undefined : { index: 0, text: fault }}
    />
  );
}

/** The fields of customers, of their deals and tickets, and the segments that they are in. */
function useRowFields(resource: Resource, segments: readonly Option[]): RowField[] {
  const custom = useCustomFields({ resource, parents: {} });
  const names = useFilterNames(resource, custom);
  const people = usePeople();
  return useMemo(() => {
    const owners = [...people.values()].map(({ id, name }) => ({ id, name }));
    const fieldOf =
      (of: Resource, own: readonly FormField[] = []) =>
      (path: string): FormField => {
        const field = own.find(({ name }) => name === path) ?? theContract().field(of.message, path);
        const type = of.filters.find((fact) => fact.path === path)?.type;
        const plain = { ...(field ?? { name: path, type: 'text' as const }) };
        return type === 'owner'
          ? { ...plain, options: owners }
          : plain.type === 'message'
            ? { name: path, type: 'text' }
            : plain;
      };
    const members: RowField = {
      path: 'segmentMembers.segmentId',
      type: 'id',
      operators: ['=', 'IN'],
      name: labels.singular('segment'),
      field: { name: 'segmentId', type: 'text', options: segments },
    };
    const own = fieldOf(resource, custom);
    return [
      // A segment has no user who asks: it refuses `me`.
      ...names.map(({ isUser: _, ...name }) => ({ ...name, field: own(name.path) })),
      members,
      ...within.flatMap((name) => {
        const other = theContract().resource(name);
        return other ? namesWithin(other, fieldOf(other)) : [];
      }),
    ];
  }, [names, custom, people, segments, resource]);
}

/** As a preview is asked: a segment without a filter of its own by its members. */
export function previewOf(shown: Json): Json {
  const isChosen = textAt(shown, 'kind') === 'STATIC';
  const filter = isChosen ? `segmentMembers.segmentId = ${textAt(shown, 'id')}` : textAt(shown, 'filter');
  return { ...(filter !== '' && { filter }), ...(!isChosen && { excludeSegmentIds: shown.excludeSegmentIds ?? [] }) };
}
