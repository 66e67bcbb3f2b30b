import { Header, MenuSection } from 'react-aria-components';
import { labels, t } from '../../app/language.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { EditorFoot, EditorLine, EditorList } from '../../kit/editor.tsx';
import { isFaulty, type Faults } from '../../kit/form/form-faults.tsx';
import { useTyped } from '../../kit/form/use-typed.ts';
import { ButtonMenu, MenuItem } from '../../kit/overlay.tsx';
import { Icon, icons } from '../../kit/ui.tsx';
import style from './flows.module.css';
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

/** What the server says of a definition while it is written, by the pointers of its values. */
export function useFaults(definition: Json): Faults {
  const { data } = useTyped({ collection: 'flows', operation: 'validateFlow', body: definition });
  return new Map(
    itemsAt(data, 'faults').map((fault) => [
      textAt(fault, 'field'),
      labels.fault(textAt(fault, 'reason'), textAt(fault, 'description')),
    ]),
  );
}

/** What starts a flow, its steps with their branches, and its rules. */
export function StepList({ definition, lines, chosen, faults, onChoose, onChange }: StepListProps) {
  const ids = ['trigger', ...lines.map(({ id }) => id), 'rules'];
  const line = lines.find(({ id }) => id === chosen);
  const take = (next: { definition: Json; id: string } | undefined) => {
    if (!next) return;
    onChange(next.definition);
    onChoose(next.id);
  };
  const keys = line && {
    move: (by: number) => take(moved(definition, line, by)),
    remove: () => take({ definition: without(definition, line), id: ids[ids.indexOf(chosen) - 1] ?? 'trigger' }),
  };
  const trigger = triggerOf(definition);
  return (
    <>
      <EditorList label={labels.field('FlowDefinition', 'steps')} {...{ ids, chosen, onChoose, keys }}>
        <EditorLine
          id="trigger"
          before={<Icon of={icons.CirclePlay} />}
          name={trigger === '' ? t('flow.noTrigger') : labels.field('FlowTrigger', trigger)}
          below={triggerText(definition, trigger)}
          isFaulty={isFaulty(faults, '/trigger') || faults.has('/condition')}
        />
        {lines.map((each) => (
          <StepLine key={each.id} line={each} faults={faults} />
        ))}
        <EditorLine
          id="rules"
          before={<Icon of={icons.Settings2} />}
          name={t('flow.rules')}
          below={labels.value('FlowFailureRule', textAt(definition, 'onFailure') || 'STOP')}
          isFaulty={isFaulty(faults, '/limits') || isFaulty(faults, '/concurrency')}
        />
      </EditorList>
      <EditorFoot>
        <AddMenu onAdd={(kind) => take(withStep(definition, line, newStep(definition, kind)))} />
      </EditorFoot>
    </>
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

function StepLine({ line, faults }: { line: Line; faults: Faults }) {
  const { id, place, depth, step, branch } = line;
  const at = pointerOf(place);
  const isWrong = isFaulty(faults, at) && ![...faults.keys()].every((each) => isDeeper(each, line));
  return (
    <EditorLine
      id={id}
      before={
        <>
          {depth > 0 && <span style={{ width: `${depth * 1.25}rem` }} />}
          <Icon of={step ? iconOf(kindOf(step)) : icons.CornerDownRight} />
        </>
      }
      name={step ? nameOfStep(step) : t(`flow.branch.${branch?.kind ?? 'steps'}`)}
      below={step ? summaryOf(step) : textAt(branch?.of, 'condition') || textAt(branch?.of, 'key')}
      isHead={!step}
      isFaulty={step ? isWrong : faults.has(`${at}/condition`)}
    />
  );
}

/** Whether a fault is in a step below that of a line, which shows it itself. */
function isDeeper(pointer: string, { place }: Line): boolean {
  return /\/(?:steps|otherwise|catch)\/\d+/.test(pointer.slice(pointerOf(place).length));
}

function AddMenu({ onAdd }: { onAdd: (kind: string) => void }) {
  return (
    <ButtonMenu label={t('flow.add')} icon={icons.Plus}>
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
    </ButtonMenu>
  );
}
