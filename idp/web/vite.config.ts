/* Builds the portal's pages into build/web/portal (or TAMGA_WEB_OUT), where the provider serves them
   from. Nothing inline leaves this build, because the pages' content security policy allows none:
   no inlined assets, no modulepreload polyfill (every browser from Chromium 66 on has it). */
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: here('./portal'),
  base: '/',
  plugins: [vue()],
  define: {
    __VUE_OPTIONS_API__: 'true', // vue-i18n's and the router's components are written with it
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
    __VUE_I18N_FULL_INSTALL__: 'false',
    __VUE_I18N_LEGACY_API__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
    __INTLIFY_DROP_MESSAGE_COMPILER__: 'false', // it interprets messages, it does not eval
  },
  build: {
    target: 'chrome87',
    outDir: process.env['TAMGA_WEB_OUT'] ?? here('../../build/web/portal'),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
})
