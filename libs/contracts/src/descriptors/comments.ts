import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema, type FileDescriptorProto } from '@bufbuild/protobuf/wkt';

/**
 * The leading comments of proto files, by the file's name and the source path, such as `6,0,2,1` for the second method of the first
 * service. Source: google.protobuf.SourceCodeInfo.
 *
 * @param fileDescriptorSet a serialised google.protobuf.FileDescriptorSet with source info
 */
export function readComments(fileDescriptorSet: Uint8Array): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const { file: files } = fromBinary(FileDescriptorSetSchema, fileDescriptorSet);
  return new Map(files.map((file) => [file.name.replace(/\.proto$/, ''), commentsOf(file)]));
}

function commentsOf(file: FileDescriptorProto): ReadonlyMap<string, string> {
  const locations = file.sourceCodeInfo?.location ?? [];
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
