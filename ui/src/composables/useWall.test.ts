import { VueQueryPlugin } from "@tanstack/vue-query";
import { createPinia } from "pinia";
import { createApp, nextTick, type Ref, ref } from "vue";
import { expect, it, vi } from "vitest";
import type { Schemas } from "../api/client";
import { useLive } from "../stores/live";
import { shows, spliced, useWall, type WallFilter } from "./useWall";

type Picture = Schemas["Picture"];
const name = (n: number) => `p${String(n).padStart(5, "0")}`;
const picture = (n: number, more: object = {}) => ({ id: name(n), cell: {}, ...more }) as Picture;
const ids = (all: readonly Picture[]) => all.map((one) => Number(one.id.slice(1)));

/** A studio with these pictures. */
function open(there: Map<number, Picture>) {
  const app = createApp({ render: () => null });
  app.use(createPinia()).use(VueQueryPlugin).mount(document.createElement("div"));
  const asked: (string | undefined)[] = [];
  const read = vi.fn(async (_: WallFilter, limit: number, after?: string) => {
    asked.push(after);
    const all = [...there.values()].sort((a, b) => (a.id < b.id ? 1 : -1)).filter((one) => !after || one.id < after);
    const pictures = all.slice(0, limit);
    return { pictures, left: there.size, next: all.length > limit ? pictures.at(-1)!.id : null };
  });
  const filter = ref<WallFilter>({ character: "anna" });
  const words = ref<Record<string, string>>({}) as Ref<Record<string, string>>;
  const [wall, live] = app.runWithContext(() => [useWall(filter, words, read), useLive()] as const);
  return { wall, live, filter, words, asked };
}
const many = (count: number) => new Map(Array.from({ length: count }, (_, n) => [n, picture(n)]));

it("puts what was read where it belongs, and forgets what is no longer there", () => {
  const old = [9, 7, 5, 3].map((n) => picture(n));
  expect(ids(spliced(old, [picture(8), picture(7)], undefined, name(7)))).toEqual([8, 7, 5, 3]);
  expect(ids(spliced(old, [picture(4)], name(7), name(4)))).toEqual([9, 7, 4, 3]);
  expect(ids(spliced(old, [picture(2)], name(5), null))).toEqual([9, 7, 5, 2]);
  expect(ids(spliced(old, [], undefined, null))).toEqual([]);
});

it("reads page by page, and a change in the middle costs one page more", async () => {
  const there = many(1000);
  const { wall, live, asked } = open(there);
  await vi.waitFor(() => expect(wall.known.value).toBe(true));
  await wall.more();
  await wall.more();
  expect([wall.all.value.length, wall.count.value]).toEqual([600, 1000]);
  asked.length = 0;
  there.delete(550);
  there.set(1000, picture(1000));
  there.set(100, picture(100, { caption: { text: "new", by_person: true } }));
  live.changed = { pictures: new Set([name(550), name(1000), name(100)]), all: false };
  await vi.waitFor(() => expect(wall.all.value.some((one) => one.id === name(550))).toBe(false));
  expect(ids(wall.all.value).slice(0, 2)).toEqual([1000, 999]);
  // The newest page, the one with 550, and not the one nobody has scrolled to.
  expect(asked).toEqual([undefined, name(551)]);
  await wall.more();
  await wall.more();
  await wall.more();
  expect(ids(wall.all.value)).toEqual([...there.keys()].sort((a, b) => b - a));
  expect(wall.all.value.find((one) => one.id === name(100))!.caption?.text).toBe("new");
});

it("finds its way when more came than a page holds", async () => {
  const there = many(3);
  const { wall, live } = open(there);
  await vi.waitFor(() => expect(wall.known.value).toBe(true));
  for (let n = 3; n < 500; n++) there.set(n, picture(n));
  live.changed = { pictures: new Set([name(499)]), all: false };
  await vi.waitFor(() => expect(wall.all.value.length).toBe(500));
});

it("looks through everything for what shows certain words", async () => {
  const there = many(700);
  there.set(5, picture(5, { cell: { angle: "side" } }));
  const { wall, words } = open(there);
  await vi.waitFor(() => expect(wall.known.value).toBe(true));
  words.value = { angle: "side" };
  await vi.waitFor(() => expect(ids(wall.pictures.value)).toEqual([5]));
  expect(shows(picture(1, { cell: { angle: "side" } }), { angle: "side", pose: "" })).toBe(true);
});

it("forgets what another filter asked for", async () => {
  const there = many(3);
  const { wall, filter } = open(there);
  filter.value = { character: "ben" };
  await nextTick();
  there.set(3, picture(3));
  await vi.waitFor(() => expect(ids(wall.all.value)).toEqual([3, 2, 1, 0]));
});
