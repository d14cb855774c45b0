import tailwindcss from "@tailwindcss/vite";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [vue(), tailwindcss()],
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
