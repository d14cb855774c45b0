import { VueQueryPlugin } from "@tanstack/vue-query";
import { createPinia } from "pinia";
import { createApp } from "vue";
import { expect, it } from "vitest";
import { useNotes } from "../stores/notes";
import { useAsking } from "./asking";

it("is busy while the studio is asked, and says what came of it", async () => {
  const app = createApp({ render: () => null });
  app.use(createPinia()).use(VueQueryPlugin).mount(document.createElement("div"));
  const { busy, ask, notes } = app.runWithContext(() => ({ ...useAsking("fleet"), notes: useNotes() }));
  let answer: () => void = () => undefined;
  const asking = ask(() => new Promise<void>((done) => (answer = done)), "Done.");
  expect(busy.value).toBe(true);
  answer();
  expect([await asking, busy.value]).toEqual([true, false]);
  expect([await ask(() => Promise.reject(new Error("no")), "Done."), busy.value]).toEqual([false, false]);
  expect(notes.notes.map((note) => note.text)).toEqual(["Done.", "no"]);
});
