import { useQuery } from '@tanstack/react-query';
import { labels } from '../../../app/language.ts';
import { readQuery } from '../../../contract/api.ts';
import { itemsAt } from '../../../contract/json.ts';
import { theContract } from '../../../contract/contract.ts';
import { TaskList } from '../../work/task-list.tsx';
import { openTasks, useTaskActs } from '../../work/tasks.ts';
import type { Item } from '../item.ts';
import { Panel } from '../panel.tsx';
import style from '../record.module.css';

/** The open tasks about a record. Nothing for a record that tasks are not about. */
export function Tasks({ item }: { item: Item }) {
  const path = `related.${item.resource.singular}`;
  const tasks = theContract().resource('tasks');
  const isAbout = tasks?.filters.some((filter) => filter.path === path) === true && item.may('listTasks');
  return isAbout && item.resource.name !== 'tasks' ? <OpenTasks item={item} path={path} /> : null;
}

function OpenTasks({ item, path }: { item: Item; path: string }) {
  const filter = `${path} = "${item.id}" AND ${openTasks}`;
  const { data } = useQuery(readQuery('listTasks', { filter, orderBy: 'deadline', pageSize: 20 }));
  const acts = useTaskActs();
  const tasks = itemsAt(data, 'tasks');
  if (!data || tasks.length === 0) return null;
  return (
    <Panel title={labels.resource('tasks')} count={String(tasks.length)}>
      <div className={style.tasks}>
        <TaskList label={labels.resource('tasks')} tasks={tasks} acts={acts} about={false} />
      </div>
    </Panel>
  );
}
