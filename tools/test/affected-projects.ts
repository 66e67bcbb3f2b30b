// Prints, for each file that is named, a line with the projects that nx finds affected by a change of it, as `nx show projects
// --affected` does for one file: that takes a second and a half each time to find out which projects there are.
import { filterAffected } from 'nx/src/project-graph/affected/affected-project-graph';
import { calculateFileChanges } from 'nx/src/project-graph/file-utils';
import { createProjectGraphAsync } from 'nx/src/project-graph/project-graph';

const graph = await createProjectGraphAsync();
for (const file of process.argv.slice(2)) {
  const { nodes } = await filterAffected(graph, calculateFileChanges([file]));
  console.log(JSON.stringify(Object.keys(nodes)));
}
