import { GripVertical, Shield, TriangleAlert } from 'lucide-react';
import type { KeyboardEvent } from 'react';
import { Button as AriaButton, DropIndicator, GridList, GridListItem, useDragAndDrop } from 'react-aria-components';
import { format, labels, t } from '../../app/language.ts';
import { useShortcut } from '../../app/shortcuts.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import type { Faults } from '../../kit/form/form-faults.tsx';
import { Chip, Icon, Ticks } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import { moved } from './edits.ts';
import style from './pipeline.module.css';

interface StageListProps {
  stages: readonly Json[];
  chosen: string;
  onChoose: (key: string) => void;
  onOrder: (keys: readonly string[]) => void;
  onRemove: () => void;
  faults: Faults;
}

/** The stages in their order, which a pointer changes by dragging, and Alt with an arrow key. */
export function StageList({ stages, chosen, onChoose, onOrder, onRemove, faults }: StageListProps) {
  const keys = stages.map((stage) => textAt(stage, 'key'));
  const at = keys.indexOf(chosen);
  const { dragAndDropHooks } = useDragAndDrop({
    getItems: (dragged) => [...dragged].map((key) => ({ 'text/plain': String(key) })),
    onReorder: ({ keys: [key], target: { key: beside, dropPosition } }) => {
      if (key !== undefined && dropPosition !== 'on') onOrder(moved(keys, String(key), String(beside), dropPosition));
    },
    renderDropIndicator: (target) => <DropIndicator target={target} className={style.drop} />,
  });
  const step = (by: number) => {
    const next = keys[at + by];
    if (next !== undefined) onChoose(next);
  };
  useShortcut('j', 'list.key.next', () => step(1));
  useShortcut('k', 'list.key.previous', () => step(-1));
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const beside = by === undefined ? undefined : keys[at + by];
    if (event.key === 'Delete') onRemove();
    else if (!event.altKey || by === undefined) return;
    else if (beside !== undefined) onOrder(moved(keys, chosen, beside, by < 0 ? 'before' : 'after'));
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className={style.list} onKeyDownCapture={onKeyDown}>
      <GridList
        aria-label={labels.field('Pipeline', 'stages')}
        selectionMode="single"
        selectionBehavior="replace"
        disallowEmptySelection
        selectedKeys={[chosen]}
        onSelectionChange={(selected) => {
          const [key] = selected === 'all' ? [] : selected;
          if (key !== undefined) onChoose(String(key));
        }}
        dragAndDropHooks={dragAndDropHooks}
      >
        {stages.map((stage, index) => (
          <StageItem key={textAt(stage, 'key')} stage={stage} isFaulty={isFaulty(faults, index)} />
        ))}
      </GridList>
    </div>
  );
}

function isFaulty(faults: Faults, index: number): boolean {
  return [...faults.keys()].some((pointer) => `${pointer}/`.startsWith(`/stages/${index}/`));
}

function StageItem({ stage, isFaulty }: { stage: Json; isFaulty: boolean }) {
  const [kind, name] = [textAt(stage, 'kind'), textAt(stage, 'name')];
  const probability = Number(valueAt(stage, 'probability') ?? 0);
  const guards = itemsAt(stage, 'guards').length;
  return (
    <GridListItem id={textAt(stage, 'key')} textValue={name} className={style.item}>
      <AriaButton slot="drag" className={style.grip} aria-label={t('pipeline.drag', { name })}>
        <Icon of={GripVertical} />
      </AriaButton>
      <span className={style.name}>
        <span className={text.cut} title={name}>
          {name}
        </span>
        <span className={text.meta}>{belowOf(stage)}</span>
      </span>
      {isFaulty && (
        <Chip tone="danger" icon={TriangleAlert}>
          {t('pipeline.faulty')}
        </Chip>
      )}
      {guards > 0 && (
        <span className={style.count} title={t('pipeline.guards', { count: guards })}>
          <Icon of={Shield} small /> {format.number(guards)}
        </span>
      )}
      {kind === 'OPEN' ? (
        <Ticks label="" count={12} value={probability / 100} />
      ) : (
        <Chip tone={kind === 'WON' ? 'good' : 'quiet'}>{labels.value('StageKind', kind)}</Chip>
      )}
    </GridListItem>
  );
}

/** Such as `50 %, Best case, late after 14 days`. */
function belowOf(stage: Json): string {
  const [probability, limitDays] = [valueAt(stage, 'probability'), valueAt(stage, 'limitDays')];
  const isOpen = textAt(stage, 'kind') === 'OPEN';
  return [
    isOpen && typeof probability === 'number' ? format.percent(probability / 100) : '',
    isOpen ? labels.value('ForecastCategory', textAt(stage, 'forecastCategory') || 'PIPELINE') : '',
    typeof limitDays === 'number' ? t('pipeline.lateAfter', { count: limitDays }) : '',
  ]
    .filter((each) => each !== '')
    .join(', ');
}
