import type { FieldViolation } from '@rapport/platform';
import { isKnownPermission, knownPermissions } from './known-permissions.js';

/** One violation for each unknown permission. @param field path of the list in the request, such as `role.permissions` */
export function unknownPermissions(field: string, permissions: readonly string[]): FieldViolation[] {
  return permissions.flatMap((permission, index) =>
    isKnownPermission(permission)
      ? []
      : [
          {
            field: `${field}[${index}]`,
            reason: 'PERMISSION_UNKNOWN',
            description: `must be one of ${knownPermissions.join(', ')}`,
          },
        ],
  );
}
