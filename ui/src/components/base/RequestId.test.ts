import { mount } from "@vue/test-utils";
import { createPinia } from "pinia";
import { afterEach, expect, it } from "vitest";
import { nextTick } from "vue";
import { Problem } from "../../api/client";
import { speak } from "../../i18n";
import { useToasts } from "../../stores/toasts";
import QueryState from "./QueryState.vue";
import RequestId from "./RequestId.vue";
import Toasts from "./Toasts.vue";

afterEach(() => speak("en"));

const broken = new Problem("internal", 500, "it broke", "0192-a");
const refused = new Problem("not_found", 404, "it is not there", "0192-b");

it("is said of the studio's own faults only, in both languages", async () => {
  const said = (error: unknown) => mount(RequestId, { props: { error } }).text();
  expect([broken, refused, new Error("no"), undefined].map(said)).toEqual(["Request 0192-a", "", "", ""]);
  await speak("de");
  expect(said(broken)).toBe("Anfrage 0192-a");
});

it("stands where a query failed", () => {
  const failed = (error: Error) =>
    mount(QueryState, {
      props: { query: { data: { value: undefined }, error: { value: error }, refetch: () => undefined } },
    }).text();
  expect(failed(broken)).toContain("it broke");
  expect(failed(broken)).toContain("Request 0192-a");
  expect(failed(refused)).toContain("it is not there");
  expect(failed(refused)).not.toContain("0192-b");
});

it("stands in the toast of what failed", async () => {
  const shown = mount(Toasts, { attachTo: document.body, global: { plugins: [createPinia()] } });
  const toasts = useToasts();
  for (const error of [broken, refused]) toasts.error(error);
  toasts.success("Done.");
  await nextTick();
  await nextTick();
  const said = Array.from(document.querySelectorAll("li"), (toast) => toast.textContent);
  expect(said).toEqual(["it brokeRequest 0192-a", "it is not there", "Done."]);
  shown.unmount();
});
