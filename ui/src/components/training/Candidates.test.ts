import { VueQueryPlugin } from "@tanstack/vue-query";
import { flushPromises, mount, RouterLinkStub } from "@vue/test-utils";
import { createPinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { stubRequest } from "../../api/client.fake";
import { speak } from "../../i18n";
import Candidates from "./Candidates.vue";

let answer: object[] = [];

beforeEach(() => {
  stubRequest();
  vi.stubGlobal("fetch", async () => Response.json({ candidates: answer }));
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await speak("en");
});

const one = (name: string, more: object = {}) => ({
  character: name.toLowerCase(),
  name,
  project: "doors",
  title: "Doors",
  readiness: { ready: true, approved: 20, least: 15, missing: [] },
  ...more,
});
async function show() {
  const stubs = { RouterLink: RouterLinkStub };
  const page = mount(Candidates, { global: { plugins: [createPinia(), VueQueryPlugin], stubs } });
  await flushPromises();
  return page;
}

it("shows characters in the studio's order, what each lacks, and where it goes on", async () => {
  answer = [
    one("Anna"),
    one("Ben", { lora: { id: "l" } }),
    one("Cleo", { run: "r", readiness: { ready: false, approved: 4, least: 15, missing: [] } }),
  ];
  const page = await show();
  const cards = page.findAll("[data-candidate]");
  expect(cards.map((card) => card.get("h3").text())).toEqual(["Anna", "Ben", "Cleo"]);
  expect(cards.map((card) => card.text().includes("Films use a LoRA of"))).toEqual([false, true, false]);
  expect([cards[0]!.text(), cards[2]!.text()].map((text) => /\d+ of 15 approved/.exec(text)?.[0])).toEqual([
    "20 of 15 approved",
    "4 of 15 approved",
  ]);
  expect(cards[2]!.text()).toContain("A model needs 15 approved pictures; there are 4.");
  const links = cards.map((card) => card.findAllComponents(RouterLinkStub).at(-1)!.props("to"));
  expect(links).toEqual(["/characters/anna/training", "/characters/ben/training", "/characters/cleo/training?run=r"]);
});

it("begins with a few of many", async () => {
  answer = Array.from({ length: 9 }, (_, n) => one(`Person ${n}`));
  const page = await show();
  expect(page.findAll("[data-candidate]").length).toBe(6);
  await page.get("button").trigger("click");
  expect([page.findAll("[data-candidate]").length, page.find("button").exists()]).toEqual([9, false]);
});

it("says where candidates come from when there are none, in German too", async () => {
  answer = [];
  expect((await show()).text()).toContain("Nobody has approved pictures yet");
  await speak("de");
  expect((await show()).text()).toContain("Fülle einen Datensatz");
});
