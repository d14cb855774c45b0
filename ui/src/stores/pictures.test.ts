import { VueQueryPlugin } from "@tanstack/vue-query";
import { createPinia } from "pinia";
import { createApp } from "vue";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { wait } from "../api/client";
import { stubRequest } from "../api/client.fake";
import { usePictures } from "./pictures";
import { useReview } from "./review";

let asked: string[] = [];
/** Ids of pictures that wait. */
let waits: string[] = [];
const take = { take: { id: "t", subject: "still" }, file: { hash: "t", ext: "png" }, plan: { characters: [] } };

beforeEach(() => {
  [asked, waits] = [[], ["a", "b", "c"]];
  wait.for = () => Promise.resolve();
  stubRequest();
  vi.stubGlobal("fetch", async (request: Request) => {
    const { pathname, searchParams } = new URL(request.url);
    const json = (body: unknown) =>
      new Response(JSON.stringify(body), { headers: { "content-type": "application/json" } });
    if (pathname === "/api/takes") return json({ takes: [take], left: 1, next: null });
    if (request.method === "GET") {
      const pictures = waits.map((id) => ({ id, character_id: "anna", cell: {} }));
      asked.push(`GET ${searchParams.get("awaiting")} ${searchParams.get("sort")}`);
      return json({ pictures, left: pictures.length, next: null });
    }
    const body = request.method === "DELETE" ? "" : await request.text();
    asked.push(`${request.method} ${pathname} ${body}`.trim());
    const id = pathname.split("/")[3]!;
    const gone = request.method !== "DELETE" && !body.includes('"anna"');
    waits = gone ? waits.filter((one) => one !== id) : [...new Set([id, ...waits])];
    return json({ id });
  });
});
afterEach(() => vi.unstubAllGlobals());

function open() {
  const app = createApp({ render: () => null });
  app.use(createPinia()).use(VueQueryPlugin).mount(document.createElement("div"));
  return app.runWithContext(() => ({ pictures: usePictures(), review: useReview() }));
}
const ids = (pictures: ReturnType<typeof usePictures>) => pictures.pictures.map((one) => one.id);

it("says what is good and what is wrong, and takes it back", async () => {
  const { pictures } = open();
  await pictures.load();
  expect([ids(pictures), pictures.left, asked[0]]).toEqual([["a", "b", "c"], 3, "GET true oldest"]);
  const saying = pictures.say(["a"], { good: true });
  expect([ids(pictures), pictures.left]).toEqual([["b", "c"], 2]);
  await saying;
  await pictures.say(["b"], { good: false, categories: ["blurry"] });
  expect(asked).toContain('PUT /api/pictures/a/decision {"categories":[],"note":"","good":true}');
  expect(asked).toContain('PUT /api/pictures/b/decision {"categories":["blurry"],"note":"","good":false}');
  await pictures.undo();
  expect([ids(pictures)[0], asked.filter((one) => one.startsWith("DELETE"))]).toEqual([
    "b",
    ["DELETE /api/pictures/b/decision"],
  ]);
});

it("gives a picture to whom it shows, and back to whom it was", async () => {
  const { pictures } = open();
  await pictures.load();
  await pictures.reassign(pictures.pictures[0]!, { id: "ben" });
  expect(ids(pictures)).toEqual(["b", "c"]);
  await pictures.undo();
  expect(asked.filter((one) => one.includes("reassign"))).toEqual([
    'POST /api/pictures/a/reassign {"character":"ben"}',
    'POST /api/pictures/a/reassign {"character":"anna"}',
  ]);
  expect(ids(pictures)).toEqual(["a", "b", "c"]);
});

it("tells which of two queues something was said in last", async () => {
  const { pictures, review } = open();
  await Promise.all([pictures.load(), review.load()]);
  await pictures.say(["a"], { good: true });
  await review.say(["t"], { good: true });
  expect(review.history.at(-1)!.at).toBeGreaterThan(pictures.history.at(-1)!.at);
  await pictures.say(["b"], { good: true });
  expect(pictures.history.at(-1)!.at).toBeGreaterThan(review.history.at(-1)!.at);
});
