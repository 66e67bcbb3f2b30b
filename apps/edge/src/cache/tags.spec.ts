import { describe, expect, it } from 'vitest';
import { TagVersions } from './tags.js';

describe('a snapshot of tags', () => {
  it('is current until one of its tags is invalidated', () => {
    const versions = new TagVersions();
    const snapshot = versions.snapshot(['a', 'b']);
    versions.invalidate(['c']);
    expect(snapshot.isCurrent).toBe(true);
    versions.invalidate(['b']);
    expect(snapshot.isCurrent).toBe(false);
  });

  it('that is taken after an invalidation is current', () => {
    const versions = new TagVersions();
    const before = versions.snapshot(['a']);
    versions.invalidate(['a']);
    expect(versions.snapshot(['a']).isCurrent).toBe(true);
    expect(before.isCurrent).toBe(false);
  });

  it('is not current after everything was invalidated', () => {
    const versions = new TagVersions();
    const snapshot = versions.snapshot([]);
    versions.invalidateAll();
    expect(snapshot.isCurrent).toBe(false);
  });

  it('takes no memory after it was released', () => {
    const versions = new TagVersions();
    const snapshots = [versions.snapshot(['a', 'b']), versions.snapshot(['b'])];
    expect(versions.size).toBe(2);
    for (const snapshot of snapshots) {
      snapshot.release();
      snapshot.release();
    }
    versions.invalidate(['a', 'b']);
    expect(versions.size).toBe(0);
  });
});
