/** What the linter asks of the code, in every test run. It knows the types: it sees promises that nobody waits for. */
import tseslint from 'typescript-eslint'

const FILE_LINES = { max: 400, skipBlankLines: true, skipComments: true }
const FUNCTION_LINES = { max: 60, skipBlankLines: true, skipComments: true }

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'scripts/', '**/*.mjs', '**/*.cjs'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'max-lines': ['error', FILE_LINES],
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'], location: 'anywhere' }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
        { selector: ':matches(ExportAllDeclaration, ExportNamedDeclaration[source])', message: 'No barrels: import from where it is.' },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      // `return refuse()` and `case: return print()` say what they mean
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      '@typescript-eslint/no-invalid-void-type': ['error', { allowAsThisParameter: true }],
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off', // types of packages that export an interface and a class of one name
      // a method that keeps the contract of an interface may have nothing to wait for
      '@typescript-eslint/require-await': 'off',
    },
  },
  { files: ['src/**'], rules: { 'max-lines-per-function': ['error', FUNCTION_LINES] } },
  {
    // the portable core: the types of Node's globals are there, the globals in a browser are not
    files: ['src/{lib,crypto,store,cryptree,account,sharing,vfs,net,app,web}/**'],
    ignores: ['**/*.node.ts'],
    rules: { 'no-restricted-globals': ['error', 'Buffer', 'process', 'global', 'require', 'module', 'setImmediate', '__dirname', '__filename'] },
  },
  { files: ['*.config.ts'], rules: { 'no-restricted-syntax': 'off' } },
)
