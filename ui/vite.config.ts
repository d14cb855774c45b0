import tailwindcss from "@tailwindcss/vite";
import vue from "@vitejs/plugin-vue";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/**
 * vue-i18n looks into the namespace of Vue by a name it makes up, so that nothing of Vue could be left out: a tenth of
 * the first load. What it asks for is public.
 */
const slimVueI18n = {
  name: "slim-vue-i18n",
  apply: "build",
  transform(code, id) {
    if (!/\/vue-i18n\/dist\/[\w.-]+\.mjs$/.test(id)) return;
    const whole = "import * as Vue from 'vue';";
    if (!code.includes(whole)) this.error(`${id} no longer says: ${whole}`);
    return code.replace(
      whole,
      "import { getCurrentInstance as instance } from 'vue'; const Vue = { getCurrentInstance: instance };",
    );
  },
} satisfies Plugin;

export default defineConfig({
  plugins: [vue(), tailwindcss(), slimVueI18n],
  // What the page does not use of vue-i18n stays out of it.
  define: { __VUE_I18N_FULL_INSTALL__: false, __VUE_I18N_LEGACY_API__: false, __INTLIFY_PROD_DEVTOOLS__: false },
  build: {
    outDir: "../ui-dist",
    emptyOutDir: true,
    target: "es2022",
    // Pages may run nothing that stands in them, not even this.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: { proxy: { "/api": { target: "http://127.0.0.1:8401", ws: true } } },
  test: { environment: "happy-dom", include: ["src/**/*.test.ts"] },
});
