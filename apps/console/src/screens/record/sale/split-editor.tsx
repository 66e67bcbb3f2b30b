import { useState } from 'react';
import { Input } from 'react-aria-components';
import { labels, t } from '../../../app/language.ts';
import { keyText, useShortcut } from '../../../app/shortcuts.ts';
import { itemsAt, textAt, type Json } from '../../../contract/json.ts';
import { Fault, faultsOf, faultWithin, FormFault } from '../../../kit/form/form-faults.tsx';
import { ReferencePicker } from '../../../kit/form/reference.tsx';
import { Segments } from '../../../kit/form/segments.tsx';
import { Button, IconButton, icons, join, text } from '../../../kit/ui.tsx';
import type { Item } from '../item.ts';
import { useSave } from '../save.ts';
import style from './sale.module.css';

const kinds = ['REVENUE', 'OVERLAY'] as const;

/** The splits of a deal as inputs. The server says what is wrong with them, and computes their amounts. */
export function SplitEditor({ item, onEnd }: { item: Item; onEnd: () => void }) {
  const [base] = useState(item.now);
  const [splits, setDrafted] = useState<Json[]>(() => drafted(base));
  const { save, isSaving, error } = useSave(item, base);
  // What is on its way is not changed.
  const setSplits = (next: Json[]) => !isSaving && setDrafted(next);
  const send = () => void save({ splits }).then((isSaved) => isSaved && onEnd());
  const left = wholeUnits - splits.reduce((sum, split) => sum + (isRevenue(split) ? unitsOf(split) : 0), 0);
  const faults = faultsOf(error);
  const add = () => setSplits([...splits, { ownerId: '', share: shareOf(Math.max(left, 0)), kind: 'REVENUE' }]);
  useShortcut('mod+s', 'form.save', send);
  return (
    <div className={text.stack} onKeyDown={({ key }) => key === 'Escape' && onEnd()}>
      {splits.map((split, index) => (
        <SplitRow
          key={index}
          split={split}
          place={index + 1}
          fault={faultWithin(faults, `/splits/${index}`)}
          onChange={(next) => setSplits(splits.with(index, next))}
          onRemove={() => setSplits(splits.toSpliced(index, 1))}
          onEnter={send}
        />
      ))}
      <span className={text.row}>
        <Button small icon={icons.Plus} onPress={add}>
          {t('splits.add')}
        </Button>
        <span className={text.grow} />
        {left !== 0 && splits.some(isRevenue) && (
          <span role="status" className={text.meta}>
            {t('splits.left', { share: `${shareOf(left)} %` })}
          </span>
        )}
      </span>
      {faults.has('/splits') && <Fault>{faults.get('/splits')}</Fault>}
      <FormFault error={error} names={['splits']} />
      <span className={text.row}>
        <Button small kind="primary" shortcut={keyText('mod+s')} isPending={isSaving} onPress={send}>
          {t('form.save')}
        </Button>
        <Button small onPress={onEnd}>
          {t('form.cancel')}
        </Button>
      </span>
    </div>
  );
}

interface SplitRowProps {
  split: Json;
  place: number;
  fault: string | undefined;
  onChange: (split: Json) => void;
  onRemove: () => void;
  onEnter: () => void;
}

function SplitRow({ split, place, fault, onChange, onRemove, onEnter }: SplitRowProps) {
  const name = (field: string) => `${t('splits.place', { place })}, ${labels.field('DealSplit', field)}`;
  return (
    <>
      <div className={style.splitRow}>
        <ReferencePicker
          label={name('ownerId')}
          isHiddenLabel
          resource="users"
          value={textAt(split, 'ownerId')}
          onChange={(ownerId) => onChange({ ...split, ownerId })}
          autoFocus={textAt(split, 'ownerId') === ''}
        />
        <Input
          aria-label={name('share')}
          className={join(style.cell, text.number)}
          inputMode="decimal"
          value={textAt(split, 'share')}
          onChange={({ target }) => onChange({ ...split, share: target.value })}
          onKeyDown={({ key, nativeEvent }) => key === 'Enter' && !nativeEvent.isComposing && onEnter()}
        />
        <IconButton small name={t('splits.remove', { place })} icon={icons.X} onPress={onRemove} />
      </div>
      <Segments
        small
        label={name('kind')}
        value={isRevenue(split) ? 'REVENUE' : 'OVERLAY'}
        onChange={(kind) => onChange({ ...split, kind })}
        options={kinds.map((id) => ({ id, name: labels.value('SplitKind', id) }))}
      />
      {fault !== undefined && <Fault>{fault}</Fault>}
    </>
  );
}

/** What can be written of the splits; the owner has all of a deal without any. */
function drafted(deal: Json): Json[] {
  const splits = itemsAt(deal, 'splits').map(({ ownerId, share, kind }) => ({ ownerId, share, kind }));
  return splits.length > 0 ? splits : [{ ownerId: textAt(deal, 'ownerId'), share: '100', kind: 'REVENUE' }];
}

function isRevenue(split: Json): boolean {
  return textAt(split, 'kind') !== 'OVERLAY';
}

/** Shares have up to 4 digits after the decimal point: whole numbers of these add up exactly. */
const wholeUnits = 1_000_000;
const unitsPerPercent = wholeUnits / 100;

function unitsOf(split: Json): number {
  const share = textAt(split, 'share');
  return /^\d{1,3}(\.\d{1,4})?$/.test(share) ? Math.round(Number(share) * unitsPerPercent) : 0;
}

function shareOf(units: number): string {
  return String(units / unitsPerPercent);
}
