import config from '../../../oxlint.config.ts';

/** The rules of the repository for the faulty files beside it, of which types are not checked. */
const faulty: typeof config = {
  ...config,
  options: {},
  ignorePatterns: [],
  rules: {
    ...config.rules,
    'rapport/folder-zones': [
      'error',
      [{ root: 'tools/lint/faults', top: ['.'], forbidden: { low: ['high'], high: [] } }],
    ],
  },
};

export default faulty;
