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

/** Joins the lines of each paragraph. Items of lists keep lines of their own, as Markdown has them; what follows an item is indented. */
function tidy(comment: string): string {
  let isInItem = false;
  const texts = comment.split('\n').map((line) => {
    const text = line.trim();
    const isItem = text.startsWith('- ');
    const separator = isItem ? '\n' : text === '' || (isInItem && !/^\s{2}/.test(line)) ? '\n\n' : ' ';
    isInItem = isItem || (isInItem && separator === ' ');
    return separator + text;
  });
  return texts
    .join('')
    .replace(/\n{3,}|\n\n /g, '\n\n')
    .trim();
}
