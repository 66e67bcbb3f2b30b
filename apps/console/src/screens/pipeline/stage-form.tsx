import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { format, labels, t } from '../../app/language.ts';
import { useCustomFields } from '../../app/resource.ts';
import { readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { theContract } from '../../contract/contract.ts';
import { EditorForm } from '../../kit/editor.tsx';
import { optionsOf } from '../../kit/form/choices.ts';
import { Check } from '../../kit/form/field.tsx';
import type { Faults } from '../../kit/form/form-faults.tsx';
import type { FormField } from '../../kit/form/form-field.ts';
import { Form, inputsOf } from '../../kit/form/form.tsx';
import { Segments } from '../../kit/form/segments.tsx';
import { ButtonMenu, MenuItem } from '../../kit/overlay.tsx';
import { Button, Icon, IconButton, icons, text, type IconType } from '../../kit/ui.tsx';
import style from './pipeline.module.css';

interface StageFormProps {
  pipeline: Json;
  stage: Json;
  faults: Faults;
  /** Takes the changed fields of the stage. */
  onChange: (next: Json) => void;
  onPairs: (pairs: Json[]) => void;
  onRemove: () => void;
  onLeave: () => void;
}

/** The fields of a stage, the moves from it where the pipeline lists them, and its guards. */
export default function StageForm({ pipeline, stage, faults, onChange, onPairs, onRemove, onLeave }: StageFormProps) {
  const stages = itemsAt(pipeline, 'stages');
  const at = `/stages/${stages.indexOf(stage)}`;
  const isOpen = textAt(stage, 'kind') === 'OPEN';
  const names = ['name', 'kind', 'probability', ...(isOpen ? ['forecastCategory', 'limitDays'] : [])];
  const fields = inputsOf('Stage', names).map((field) => ({
    ...field,
    ...(labelled.includes(field.name) && { label: t(`pipeline.${field.name}`) }),
  }));
  const shown: Json = { ...stage, forecastCategory: textAt(stage, 'forecastCategory') || 'PIPELINE' };
  const guards = itemsAt(stage, 'guards');
  const isListed = textAt(pipeline, 'transitions') === 'LISTED';
  return (
    <EditorForm
      title={textAt(stage, 'name')}
      code={textAt(stage, 'key')}
      onBlur={onLeave}
      beside={
        stages.length > 1 && (
          <Button small kind="bare" icon={icons.Trash} onPress={onRemove}>
            {t('pipeline.remove')}
          </Button>
        )
      }
    >
      <StageDeals pipeline={pipeline} stage={stage} />
      <div className={style.columns}>
        <Form
          message="Stage"
          fields={fields}
          value={shown}
          onChange={(next) => onChange(changesOf(shown, next, names))}
          faults={faults}
          at={at}
          isBrief
        />
      </div>
      {isListed && <Moves pipeline={pipeline} stage={stage} onPairs={onPairs} />}
      <section className={style.section}>
        <h3>{t('pipeline.guards.title')}</h3>
        {guards.length === 0 && <p className={text.two}>{t('pipeline.guards.none')}</p>}
        {guards.map((guard, index) => (
          <GuardForm
            key={index}
            guard={guard}
            faults={faults}
            at={`${at}/guards/${index}`}
            onChange={(next) => onChange({ guards: guards.with(index, next) })}
            onRemove={() => onChange({ guards: guards.toSpliced(index, 1) })}
          />
        ))}
        <ButtonMenu label={t('pipeline.guards.add')} icon={icons.Plus}>
          {labels.values('GuardKind').map(({ id }) => (
            <MenuItem
              key={id}
              icon={kindIcons[id] ?? icons.CircleCheckBig}
              onAction={() => onChange({ guards: [...guards, { kind: id, on: 'ENTER' }] })}
            >
              {t(`pipeline.guard.${id}`)}
            </MenuItem>
          ))}
        </ButtonMenu>
      </section>
    </EditorForm>
  );
}

const kindIcons: Readonly<Record<string, IconType>> = {
  FIELDS: icons.ListChecks,
  EXPRESSION: icons.Sigma,
  ROLE: icons.UserRoundCheck,
  MIN_AGE: icons.Clock,
};

/** Fields that have their unit in their name here. */
const labelled: readonly string[] = ['probability', 'limitDays'];

/** How many deals are in a stage, and what they are worth: those that a change is about. */
function StageDeals({ pipeline, stage }: { pipeline: Json; stage: Json }) {
  const filter = `pipelineId = ${textAt(pipeline, 'id')} AND stage = ${textAt(stage, 'key')}`;
  const { data } = useQuery(readQuery('aggregateDeals', { filter, sum: 'amount' }));
  const sums = itemsAt(data, 'total.sums').map((sum) =>
    format.money({ currencyCode: textAt(sum, 'currencyCode'), amount: textAt(sum, 'value') }),
  );
  const count = Number(valueAt(data, 'total.count') ?? 0);
  return (
    <p className={text.two}>
      <Link to="/$resource" params={{ resource: 'deals' }} search={{ filter } as never} className={text.link}>
        {t('home.deals', { count })}
      </Link>{' '}
      {sums.join(', ')}
    </p>
  );
}

/** The stages that deals may go to from this one. */
function Moves({ pipeline, stage, onPairs }: { pipeline: Json; stage: Json; onPairs: (pairs: Json[]) => void }) {
  const pairs = itemsAt(pipeline, 'transitionPairs');
  const from = textAt(stage, 'key');
  const isPair = (to: unknown) => (pair: Json) => pair.from === from && pair.to === to;
  return (
    <section className={style.section}>
      <h3>{t('pipeline.movesFrom')}</h3>
      <div className={style.moves} role="group" aria-label={t('pipeline.movesFrom')}>
        {itemsAt(pipeline, 'stages')
          .filter(({ key }) => key !== from)
          .map(({ key, name }) => (
            <Check
              key={String(key)}
              label={String(name)}
              isSelected={pairs.some(isPair(key))}
              onChange={(isSelected) =>
                onPairs(isSelected ? [...pairs, { from, to: key }] : pairs.filter((pair) => !isPair(key)(pair)))
              }
            />
          ))}
      </div>
    </section>
  );
}

interface GuardFormProps {
  guard: Json;
  faults: Faults;
  at: string;
  onChange: (guard: Json) => void;
  onRemove: () => void;
}

const dayS = 86_400;

/** A condition to enter or to leave the stage. What is wrong with an expression the server says when the focus leaves it. */
function GuardForm({ guard, faults, at, onChange, onRemove }: GuardFormProps) {
  const kind = textAt(guard, 'kind');
  const fields = useGuardFields(kind);
  const seconds = valueAt(guard, 'minAgeSeconds');
  const shown = {
    ...(kind === 'MIN_AGE' && { ageOf: 'STAGE' }),
    ...guard,
    ...(typeof seconds === 'number' && { minAgeDays: seconds / dayS }),
  };
  const change = ({ minAgeDays, ...next }: Json) =>
    onChange(
      kind === 'MIN_AGE'
        ? { ...next, minAgeSeconds: typeof minAgeDays === 'number' ? Math.round(minAgeDays * dayS) : null }
        : next,
    );
  const days = faults.get(`${at}/minAgeSeconds`);
  return (
    <div className={style.guard} role="group" aria-label={t(`pipeline.guard.${kind}`)}>
      <header className={text.row}>
        <Icon of={kindIcons[kind] ?? icons.CircleCheckBig} />
        <strong className={text.cut}>{t(`pipeline.guard.${kind}`)}</strong>
        <span className={text.grow} />
        <Segments
          small
          label={labels.field('Guard', 'on')}
          value={textAt(guard, 'on') || 'ENTER'}
          onChange={(on) => onChange({ ...guard, on })}
          options={labels.values('GuardMoment')}
        />
        <IconButton small name={t('form.remove')} icon={icons.X} onPress={onRemove} />
      </header>
      <div className={kind === 'EXPRESSION' ? undefined : style.columns}>
        <Form
          message="Guard"
          fields={fields}
          value={shown}
          onChange={change}
          faults={days === undefined ? faults : new Map([...faults, [`${at}/minAgeDays`, days]])}
          at={at}
          isBrief
        />
      </div>
    </div>
  );
}

/** The inputs of a kind of guard, with what can be chosen: fields of deals, permissions, teams. */
function useGuardFields(kind: string): FormField[] {
  const deals = theContract().resource('deals');
  const custom = useCustomFields({ resource: deals ?? theContract().resources[0]!, parents: {} });
  const teams = useQuery(readQuery('listTeams', {}, kind === 'ROLE'));
  const options: Readonly<Record<string, FormField['options']>> = {
    fields: [
      ...inputsOf('Deal').map(({ name }) => ({ id: name, name: labels.field('Deal', name) })),
      ...custom.map(({ name, label = name }) => ({ id: name, name: label })),
    ].filter(({ id }) => !['stage', 'pipelineId', 'customFields'].includes(id)),
    permissions: theContract().permissions.map((id) => ({ id, name: id })),
    teamIds: optionsOf(itemsAt(teams.data, 'teams')),
  };
  const minAge: FormField = { name: 'minAgeDays', type: 'number', label: t('pipeline.minAgeDays'), required: true };
  return [...(byKind[kind] ?? []), 'message'].flatMap((name) => {
    if (name === 'minAgeDays') return [minAge];
    const [field] = inputsOf('Guard', [name]);
    const more = {
      ...(options[name] && { options: options[name] }),
      ...(name === 'teamIds' && { label: labels.resource('teams') }),
    };
    return field ? [{ ...field, ...more, ...(name === 'ageOf' && { required: true as const }) }] : [];
  });
}

const byKind: Readonly<Record<string, readonly string[]>> = {
  FIELDS: ['fields'],
  EXPRESSION: ['expression'],
  ROLE: ['permissions', 'teamIds'],
  MIN_AGE: ['minAgeDays', 'ageOf'],
  OPEN_TASKS: [],
};

function changesOf(before: Json, after: Json, names: readonly string[]): Json {
  const changed = names.filter((name) => after[name] !== before[name]);
  return Object.fromEntries(changed.map((name) => [name, after[name] ?? null]));
}
