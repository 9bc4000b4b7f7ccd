/* What eslint asks of the pages: strict TypeScript with no any, Vue's recommended rules, and no way
   to put data into a page as markup. Layout is prettier's business. */
import js from '@eslint/js'
import prettier from 'eslint-config-prettier'
import vue from 'eslint-plugin-vue'
import tseslint from 'typescript-eslint'
import parser from 'vue-eslint-parser'

export default tseslint.config(
  { ignores: ['node_modules/'] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  ...vue.configs['flat/recommended'],
  {
    files: ['**/*.{ts,vue}'],
    languageOptions: {
      parser,
      parserOptions: { parser: tseslint.parser, ecmaVersion: 2020, sourceType: 'module' },
    },
    rules: {
      'no-undef': 'off', // vue-tsc knows the browser's names better
      '@typescript-eslint/no-explicit-any': 'error',
      'max-lines-per-function': ['error', 60],
      'max-depth': ['error', 3],
      'max-params': ['error', 5],
      'no-eval': 'error',
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'Data never becomes markup.' },
        { property: 'outerHTML', message: 'Data never becomes markup.' },
      ],
      'vue/no-v-html': 'error',
      'vue/no-static-inline-styles': 'error', // the content security policy would drop them
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      'vue/component-api-style': ['error', ['script-setup']],
    },
  },
  {
    files: ['tests/**'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly' } },
    rules: { 'max-lines-per-function': 'off' },
  },
  prettier,
)
