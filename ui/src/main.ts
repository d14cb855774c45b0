import { QueryClient, VueQueryPlugin } from "@tanstack/vue-query";
import { createPinia } from "pinia";
import { createApp } from "vue";
import { Problem } from "./api/client";
import App from "./App.vue";
import { begin } from "./i18n";
import { router } from "./router";
import "./style.css";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // Events say when an answer is no longer true; nothing else needs to be asked again.
      staleTime: 5 * 60_000,
      refetchOnWindowFocus: false,
      retry: (count, error) => count < 3 && (!(error instanceof Problem) || error.status === 0 || error.status >= 500),
    },
  },
});

// No text is seen in a language that goes away at once.
void begin().then(() =>
  createApp(App).use(createPinia()).use(router).use(VueQueryPlugin, { queryClient: queries }).mount("#app"),
);
