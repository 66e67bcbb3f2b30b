import { Button as AriaButton, DropIndicator, useDragAndDrop } from 'react-aria-components';
import { format, labels, t } from '../../app/language.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { EditorLine, EditorList } from '../../kit/editor.tsx';
import { isFaulty, type Faults } from '../../kit/form/form-faults.tsx';
import { Chip, Icon, icons, Ticks } from '../../kit/ui.tsx';
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

/** The stages in their order, which a pointer changes by dragging. */
export function StageList({ stages, chosen, onChoose, onOrder, onRemove, faults }: StageListProps) {
  const keys = stages.map((stage) => textAt(stage, 'key'));
  const order = (next: readonly string[]) => {
    // The stage that is open as the first one stays open.
    onChoose(chosen);
    onOrder(next);
  };
  const { dragAndDropHooks } = useDragAndDrop({
    getItems: (dragged) => [...dragged].map((key) => ({ 'text/plain': String(key) })),
    onReorder: ({ keys: [key], target: { key: beside, dropPosition } }) => {
      if (key !== undefined && dropPosition !== 'on') order(moved(keys, String(key), String(beside), dropPosition));
    },
    renderDropIndicator: (target) => <DropIndicator target={target} className={style.drop} />,
  });
  const move = (by: number) => {
    const beside = keys[keys.indexOf(chosen) + by];
    if (beside !== undefined) order(moved(keys, chosen, beside, by < 0 ? 'before' : 'after'));
  };
  return (
    <EditorList
      label={labels.field('Pipeline', 'stages')}
      {...{ ids: keys, chosen, onChoose, dragAndDropHooks }}
      keys={{ move, remove: onRemove }}
    >
      {stages.map((stage, index) => (
        <StageLine key={textAt(stage, 'key')} stage={stage} isFaulty={isFaulty(faults, `/stages/${index}`)} />
      ))}
    </EditorList>
  );
}

function StageLine({ stage, isFaulty: isWrong }: { stage: Json; isFaulty: boolean }) {
  const [kind, name] = [textAt(stage, 'kind'), textAt(stage, 'name')];
  const guards = itemsAt(stage, 'guards').length;
  return (
    <EditorLine
      id={textAt(stage, 'key')}
      name={name}
      below={belowOf(stage)}
      isFaulty={isWrong}
      before={
        <AriaButton slot="drag" className={style.grip} aria-label={t('pipeline.drag', { name })}>
          <Icon of={icons.GripVertical} />
        </AriaButton>
      }
      after={
        <>
          {guards > 0 && (
            <span className={style.count} title={t('pipeline.guards', { count: guards })}>
              <Icon of={icons.Shield} small /> {format.number(guards)}
            </span>
          )}
          {kind === 'OPEN' ? (
            <Ticks label="" count={12} value={Number(valueAt(stage, 'probability') ?? 0) / 100} />
          ) : (
            <Chip tone={kind === 'WON' ? 'good' : 'quiet'}>{labels.value('StageKind', kind)}</Chip>
          )}
        </>
      }
    />
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
