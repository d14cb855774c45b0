import { VueQueryPlugin } from "@tanstack/vue-query";
import { createPinia } from "pinia";
import { createApp } from "vue";
import { expect, it } from "vitest";
import { useToasts } from "../stores/toasts";
import { useAction } from "./useAction";

it("is busy while the studio is asked, and says what came of it", async () => {
  const app = createApp({ render: () => null });
  app.use(createPinia()).use(VueQueryPlugin).mount(document.createElement("div"));
  const { busy, run, toasts } = app.runWithContext(() => ({ ...useAction("fleet"), toasts: useToasts() }));
  let answer: () => void = () => undefined;
  const asking = run(() => new Promise<void>((done) => (answer = done)), "Done.");
  expect(busy.value).toBe(true);
  answer();
  expect([await asking, busy.value]).toEqual([true, false]);
  expect([await run(() => Promise.reject(new Error("no")), "Done."), busy.value]).toEqual([false, false]);
  expect(toasts.toasts.map((note) => note.text)).toEqual(["Done.", "no"]);
});
