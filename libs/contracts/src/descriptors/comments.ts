import type { DescFile } from '@bufbuild/protobuf';

/**
 * The leading comments of a proto file by source path, such as `6,0,2,1` for the second method of the first service.
 * Source: google.protobuf.SourceCodeInfo.
 */
export function readComments(file: DescFile): ReadonlyMap<string, string> {
  const locations = file.proto.sourceCodeInfo?.location ?? [];
  return new Map(
    locations
      .filter((location) => location.leadingComments !== '')
      .map((location) => [location.path.join(','), tidy(location.leadingComments)]),
  );
}

function tidy(comment: string): string {
  return comment
    .split('\n\n')
    .map((paragraph) =>
      paragraph
        .split('\n')
        .map((line) => line.trim())
        .join(' ')
        .trim(),
    )
    .join('\n\n')
    .trim();
}
