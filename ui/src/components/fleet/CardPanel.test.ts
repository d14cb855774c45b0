import { VueQueryPlugin } from "@tanstack/vue-query";
import { flushPromises, mount } from "@vue/test-utils";
import { createPinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Schemas } from "../../api/client";
import { wait } from "../../api/client";
import { stubRequest } from "../../api/client.fake";
import { speak } from "../../i18n";
import CardPanel from "./CardPanel.vue";

let asked: string[] = [];

beforeEach(() => {
  asked = [];
  wait.for = () => Promise.resolve();
  stubRequest();
  vi.stubGlobal("fetch", async (request: Request) => {
    asked.push(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`);
    return new Response("{}", { status: 202, headers: { "content-type": "application/json" } });
  });
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await speak("en");
});

const card = {
  ...{ card: "0000:0c:00.0", total_mib: 24_000, booked_mib: 9_000, foreign_mib: 0, coming: "", here: true, rests: "" },
  seats: [],
} as unknown as Schemas["CardView"];
const show = (paused: boolean) =>
  mount(CardPanel, { props: { card, paused }, global: { plugins: [createPinia(), VueQueryPlugin] } });

it("frees a card for something else, and takes it back", async () => {
  const free = show(false).get("button");
  expect(free.text()).toBe("Free this card");
  await free.trigger("click");
  await flushPromises();
  const use = show(true).get("button");
  expect(use.text()).toBe("Use this card again");
  await use.trigger("click");
  await flushPromises();
  const scope = '"scope":{"what":"gpu","name":"0000:0c:00.0"}';
  expect(asked).toEqual([`POST /api/fleet/pause {${scope},"free":true}`, `POST /api/fleet/resume {${scope}}`]);
});

it("says so in German", async () => {
  await speak("de");
  expect(show(false).get("button").text()).toBe("Karte freimachen");
  expect(show(true).get("button").text()).toBe("Karte wieder benutzen");
});
