/** What `npm run lint` holds the page to. How lines look is Prettier's, never a rule of this file. */

import js from "@eslint/js";
import prettier from "eslint-config-prettier/flat";
import vue from "eslint-plugin-vue";
import i18n from "@intlify/eslint-plugin-vue-i18n";
import globals from "globals";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["node_modules/", "src/api/schema.ts", "src/api/enums.ts"] },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...vue.configs["flat/recommended"],
  {
    files: ["**/*.{ts,vue}"],
    languageOptions: { globals: globals.browser, parserOptions: { parser: ts.parser } },
  },
  {
    // What people read comes from `src/i18n`, in every language.
    files: ["src/**/*.vue"],
    plugins: { "@intlify/vue-i18n": i18n },
    rules: {
      "@intlify/vue-i18n/no-raw-text": [
        "error",
        {
          attributes: { "/.+/": ["alt", "aria-label", "aria-description", "label", "placeholder", "title"] },
          // Marks that are no words, and the keys of a keyboard.
          ignorePattern: "^[^\\p{L}]*$",
          ignoreText: ["G", "T"],
        },
      ],
    },
  },
  { files: ["public/**"], languageOptions: { globals: globals.browser, sourceType: "script" } },
  {
    files: ["tests/**", "scripts/**", "*.ts", "*.js"],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
  },
  {
    rules: {
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-console": "error",
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      // Views are named after what they show; a page of its own folder needs no second word.
      "vue/multi-word-component-names": "off",
      // `Button` is no `button`.
      "vue/no-reserved-component-names": ["error", { htmlElementCaseSensitive: true }],
      "vue/block-lang": ["error", { script: { lang: "ts" } }],
      "vue/component-api-style": ["error", ["script-setup"]],
      "vue/define-macros-order": "error",
      "vue/no-unused-refs": "error",
      // Optional props are undefined when nobody gives them, as their types say.
      "vue/require-default-prop": "off",
    },
  },
  { files: ["tests/bench/**"], rules: { "no-console": "off" } },
  prettier,
);
