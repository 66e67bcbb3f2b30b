import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Ask } from '../../kit/form/ask.tsx';
import { Reference } from '../../kit/record/names.tsx';
import { labels, t } from '../../app/language.ts';
import { call, invalidate, readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { theContract } from '../../contract/contract.ts';
import { words } from '../../app/labels.ts';
import { Select, TextField } from '../../kit/form/field.tsx';
import { ReferencePicker } from '../../kit/form/reference.tsx';
import { notify } from '../../kit/notices.ts';
import { IconButton, icons, text } from '../../kit/ui.tsx';
import { nameOfRecord, type Item } from './item.ts';
import { Panel } from './panel.tsx';
import style from './record.module.css';

/** Links of the record to others: employer, supplier, partner. */
export function Associations({ item }: { item: Item }) {
  const [isAdding, setIsAdding] = useState(false);
  const own = nameOfRecord(item);
  const { data } = useQuery(readQuery('listRecordAssociations', { record: own }));
  const links = itemsAt(data, 'associations');
  const remove = async (link: Json) => {
    await call('deleteAssociation', { id: link.id }, { ifMatch: textAt(link, 'etag') });
    await invalidate('associations');
    const { from, to, type, role, labels } = link;
    const undo = () =>
      call('createAssociation', {}, { body: { from, to, type, role, labels } }).then(() => invalidate('associations'));
    notify(t('record.unlinked'), undo);
  };
  return (
    <Panel
      title={t('record.associations')}
      count={links.length === 0 ? t('record.none') : String(links.length)}
      onAdd={item.isDeleted ? undefined : () => setIsAdding(true)}
    >
      {links.map((link) => {
        const other = textAt(link, 'from') === own ? textAt(link, 'to') : textAt(link, 'from');
        const [resource = '', id = ''] = other.split('/');
        return (
          <div key={textAt(link, 'id')} className={style.row}>
            <Reference resource={resource} id={id} />
            <span className={`${text.meta} ${text.grow} ${text.cut}`}>
              {[words(textAt(link, 'type')).toLowerCase(), textAt(link, 'role')]
                .filter((part) => part !== '')
                .join(', ')}
            </span>
            <IconButton small name={t('record.unlink')} icon={icons.X} onPress={() => void remove(link)} />
          </div>
        );
      })}
      {isAdding && <LinkDialog from={own} onClose={() => setIsAdding(false)} />}
    </Panel>
  );
}

function LinkDialog({ from, onClose }: { from: string; onClose: () => void }) {
  const [resource, setResource] = useState('customers');
  const [id, setId] = useState('');
  const [link, setLink] = useState<Json>({ from, type: '', role: null });
  const kinds = theContract().resources.filter(
    ({ isRecord, name, create }) => isRecord && create !== undefined && !name.includes('{'),
  );
  const save = async () => {
    await call('createAssociation', {}, { body: { ...link, to: `${resource}/${id}` } });
    await invalidate('associations');
  };
  return (
    <Ask
      title={t('record.link')}
      acts={[{ name: t('form.save'), run: save }]}
      onClose={onClose}
      names={['to', 'type', 'role']}
    >
      {(faults) => (
        <>
          <Select
            label={t('record.linkTo')}
            options={kinds.map(({ name }) => ({ id: name, name: labels.resource(name) }))}
            value={resource}
            onChange={setResource}
          />
          <ReferencePicker
            label={labels.singular(theContract().resource(resource)?.singular ?? resource)}
            resource={resource}
            value={id}
            onChange={setId}
            error={faults.get('/to')}
          />
          <TextField
            label={labels.field('Association', 'type')}
            placeholder="employee_of"
            value={textAt(link, 'type')}
            onChange={(type) => setLink({ ...link, type })}
            error={faults.get('/type')}
          />
          <TextField
            label={labels.field('Association', 'role')}
            value={textAt(link, 'role')}
            onChange={(role) => setLink({ ...link, role: role || null })}
            error={faults.get('/role')}
          />
        </>
      )}
    </Ask>
  );
}
