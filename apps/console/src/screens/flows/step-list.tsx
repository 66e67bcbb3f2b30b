import { CirclePlay, CornerDownRight, Plus, Settings2, TriangleAlert } from 'lucide-react';
import type { KeyboardEvent } from 'react';
import { GridList, GridListItem, Header, MenuSection } from 'react-aria-components';
import { labels, t } from '../../app/language.ts';
import { useShortcut } from '../../app/shortcuts.ts';
import { textAt, valueAt, type Json } from '../../contract/json.ts';
import type { Faults } from '../../kit/form/form-faults.tsx';
import { Menu, MenuItem } from '../../kit/overlay.tsx';
import { Button, Chip, Icon, Key, type IconType } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import style from './flows.module.css';
import { isFaulty } from './saving.ts';
import { iconOf, nameOfStep, summaryOf } from './step-names.ts';
import { kindOf, moved, newStep, pointerOf, stepKinds, triggerOf, without, withStep, type Line } from './steps.ts';

interface StepListProps {
  definition: Json;
  lines: readonly Line[];
  /** Id of a line, or `trigger` or `rules`. */
  chosen: string;
  faults: Faults;
  onChoose: (id: string) => void;
  onChange: (definition: Json) => void;
}

/** What starts a flow, its steps with their branches, and its rules. Alt with an arrow moves a step, Delete removes it. */
export function StepList({ definition, lines, chosen, faults, onChoose, onChange }: StepListProps) {
  const ids = ['trigger', ...lines.map(({ id }) => id), 'rules'];
  const at = ids.indexOf(chosen);
  const line = lines.find(({ id }) => id === chosen);
  const go = (by: number) => ids[at + by] !== undefined && onChoose(ids[at + by]!);
  useShortcut('j', 'list.key.next', () => go(1));
  useShortcut('k', 'list.key.previous', () => go(-1));
  const add = (kind: string) => {
    const next = withStep(definition, line, newStep(definition, kind));
    onChange(next.definition);
    onChoose(next.id);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!line || (event.key !== 'Delete' && (by === undefined || !event.altKey))) return;
    event.preventDefault();
    event.stopPropagation();
    if (by === undefined) {
      onChange(without(definition, line));
      onChoose(ids[at - 1] ?? 'trigger');
      return;
    }
    const next = moved(definition, line, by);
    if (!next) return;
    onChange(next.definition);
    onChoose(next.id);
  };
  const trigger = triggerOf(definition);
  return (
    <div className={style.list} onKeyDownCapture={onKeyDown}>
      <GridList
        aria-label={labels.field('FlowDefinition', 'steps')}
        selectionMode="single"
        selectionBehavior="replace"
        disallowEmptySelection
        selectedKeys={[chosen]}
        onSelectionChange={(selected) => {
          const [key] = selected === 'all' ? [] : selected;
          if (key !== undefined) onChoose(String(key));
        }}
      >
        <Entry
          id="trigger"
          icon={CirclePlay}
          name={trigger === '' ? t('flow.noTrigger') : labels.field('FlowTrigger', trigger)}
          below={triggerText(definition, trigger)}
          isFaulty={isFaulty(faults, '/trigger') || faults.has('/condition')}
        />
        {lines.map((each) => (
          <LineEntry key={each.id} line={each} faults={faults} />
        ))}
        <Entry
          id="rules"
          icon={Settings2}
          name={t('flow.rules')}
          below={labels.value('FlowFailureRule', textAt(definition, 'onFailure') || 'STOP')}
          isFaulty={isFaulty(faults, '/limits') || isFaulty(faults, '/concurrency')}
        />
      </GridList>
      <footer className={style.foot}>
        <AddMenu onAdd={add} />
        <span className={style.hint}>
          <Key>Alt</Key> <Key>↑</Key> <Key>↓</Key> {t('pipeline.key.order')}
        </span>
      </footer>
    </div>
  );
}

/** Such as `deal: create, update`. */
function triggerText(definition: Json, trigger: string): string {
  const of = `trigger.${trigger}`;
  const operations = valueAt(definition, `${of}.operations`);
  const names = Array.isArray(operations)
    ? operations.map((each) => labels.value('RecordTriggerOperation', String(each))).join(', ')
    : '';
  const about = textAt(definition, `${of}.type`) || textAt(definition, `${of}.rule`);
  return [about && !about.includes('=') ? labels.singular(about) : about, names]
    .filter((each) => each !== '')
    .join(': ');
}

function LineEntry({ line, faults }: { line: Line; faults: Faults }) {
  const { id, place, depth, step, branch } = line;
  if (step) {
    const isWrong = isFaulty(faults, pointerOf(place)) && ![...faults.keys()].every((each) => isDeeper(each, line));
    return (
      <Entry
        {...{ id, depth }}
        icon={iconOf(kindOf(step))}
        name={nameOfStep(step)}
        below={summaryOf(step)}
        isFaulty={isWrong}
      />
    );
  }
  const name = t(`flow.branch.${branch?.kind ?? 'steps'}`);
  const below = textAt(branch?.of, 'condition') || textAt(branch?.of, 'key');
  return (
    <Entry
      {...{ id, depth, name, below }}
      icon={CornerDownRight}
      isBranch
      isFaulty={faults.has(`${pointerOf(place)}/condition`)}
    />
  );
}

/** Whether a fault is in a step below that of a line, which shows it itself. */
function isDeeper(pointer: string, { place }: Line): boolean {
  return /\/(?:steps|otherwise|catch)\/\d+/.test(pointer.slice(pointerOf(place).length));
}

interface EntryProps {
  id: string;
  icon: IconType;
  name: string;
  below: string;
  depth?: number;
  isBranch?: boolean;
  isFaulty: boolean;
}

function Entry({ id, icon, name, below, depth = 0, isBranch = false, isFaulty: isWrong }: EntryProps) {
  return (
    <GridListItem id={id} textValue={name} className={isBranch ? `${style.item} ${style.branch}` : style.item}>
      <span style={{ width: `${depth * 1.25}rem` }} />
      <Icon of={icon} />
      <span className={style.name}>
        <span className={text.cut} title={name}>
          {name}
        </span>
        {below !== '' && (
          <span className={text.meta} title={below}>
            {below}
          </span>
        )}
      </span>
      {isWrong && (
        <Chip tone="danger" icon={TriangleAlert}>
          {t('pipeline.faulty')}
        </Chip>
      )}
    </GridListItem>
  );
}

function AddMenu({ onAdd }: { onAdd: (kind: string) => void }) {
  return (
    <Menu
      label={t('flow.add')}
      button={
        <Button small icon={Plus}>
          {t('flow.add')}
        </Button>
      }
    >
      {Object.entries(stepKinds).map(([group, kinds]) => (
        <MenuSection key={group}>
          <Header className={style.group}>{t(`flow.group.${group}`)}</Header>
          {kinds.map((kind) => (
            <MenuItem key={kind} icon={iconOf(kind)} onAction={() => onAdd(kind)}>
              {labels.field('Step', kind)}
            </MenuItem>
          ))}
        </MenuSection>
      ))}
    </Menu>
  );
}
