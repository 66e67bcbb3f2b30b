import { useInfiniteQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { Missing } from '../../app/boundaries.tsx';
import { Bar, Scroll } from '../../app/shell.tsx';
import { theContract } from '../../contract/contract.ts';
import type { Resource } from '../../contract/contract-file.ts';
import { textAt } from '../../contract/json.ts';
import { useLabels } from '../../contract/labels.ts';
import { listQuery } from '../../contract/queries.ts';

/** The list of a collection. */
export function List() {
  const { resource: name = '' } = useParams({ strict: false });
  const resource = theContract().resource(name);
  return resource ? <Rows resource={resource} parents={{}} /> : <Missing />;
}

/** The list of the records of a custom object. */
export function ObjectList() {
  const { object = '' } = useParams({ strict: false });
  const resource = theContract().resource('objects/{object}/records');
  return resource ? <Rows resource={resource} parents={{ object }} /> : <Missing />;
}

function Rows({ resource, parents }: { resource: Resource; parents: Record<string, string> }) {
  const labels = useLabels();
  const { data } = useInfiniteQuery(listQuery(resource, parents));
  return (
    <>
      <Bar title={labels.resource(resource.name)} />
      <Scroll padded>
        {data?.pages
          .flatMap(({ items }) => items)
          .map((item) => (
            <p key={textAt(item, 'id')}>{JSON.stringify(item).slice(0, 200)}</p>
          ))}
      </Scroll>
    </>
  );
}
