import { QueryClient, VueQueryPlugin } from "@tanstack/vue-query";
import { createPinia } from "pinia";
import { createApp } from "vue";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { useToasts } from "./toasts";
import { useReview } from "./review";
import { wait } from "../api/client";
import { stubRequest } from "../api/client.fake";

let files: Record<string, string> = {};
const view = (id: string) => ({
  take: { id, subject: "still" },
  file: { hash: files[id] ?? id, ext: "png" },
  scene: 1,
  shot: 1,
  plan: { characters: [] },
});
let asked: string[] = [];
let refuse = false;
/** What waits to be judged. */
let waits: string[] = [];
/** The page after it. */
let further: string[] = [];
/** Holds the answers to lists back, by the character they are filtered by, until they are let go. */
let held: Map<string, (() => void)[]> | undefined;
const letGo = (whose: string) => held!.get(whose)!.forEach((go) => go());

beforeEach(() => {
  asked = [];
  refuse = false;
  files = {};
  waits = ["a", "b", "c"];
  held = undefined;
  further = [];
  wait.for = () => Promise.resolve();
  stubRequest();
  vi.stubGlobal("fetch", async (request: Request) => {
    const { pathname, searchParams } = new URL(request.url);
    asked.push(
      `${request.method} ${pathname} ${request.method === "POST" || request.method === "PATCH" ? await request.text() : (searchParams.get("after") ?? "")}`.trim(),
    );
    const json = (body: unknown, status = 200) =>
      new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
    if (pathname.startsWith("/api/characters/"))
      return json({
        sheet: {
          references: [
            { hash: "other", ext: "png" },
            { hash: "a", ext: "png" },
          ],
        },
        tag: '"x"',
      });
    const whose = searchParams.get("character") ?? "";
    if (request.method === "GET") {
      // What was true when it was asked, however late it comes.
      const answer = whose
        ? json({ takes: [view(whose)], left: 1, next: null })
        : searchParams.get("after")
          ? json({ takes: further.map(view), left: waits.length, next: null })
          : json({ takes: waits.map(view), left: waits.length, next: further.length ? waits.at(-1) : null });
      if (held) await new Promise<void>((go) => held!.set(whose, [...(held!.get(whose) ?? []), go]));
      return answer;
    }
    if (refuse) return json({ code: "conflict", detail: "no" }, 409);
    const take = pathname.split("/")[3]!;
    if (request.method === "POST") waits = waits.filter((id) => id !== take);
    else if (request.method === "DELETE") waits = [take, ...waits];
    return new Response(null, { status: 202, headers: { "content-length": "0" } });
  });
});
afterEach(() => vi.unstubAllGlobals());

function open() {
  const app = createApp({ render: () => null });
  const queries = new QueryClient();
  app.use(createPinia()).use(VueQueryPlugin, { queryClient: queries }).mount(document.createElement("div"));
  return app.runWithContext(() => ({
    review: useReview(),
    toasts: useToasts(),
    /** What an event about takes does. */
    refresh: () => queries.invalidateQueries({ queryKey: ["takes"] }),
  }));
}
const ids = (review: ReturnType<typeof useReview>) => review.takes.map((one) => one.take.id);

it("shows what was said at once, and takes it back", async () => {
  const { review } = open();
  await review.load();
  expect([ids(review), review.left]).toEqual([["a", "b", "c"], 3]);
  const saying = review.say(["a"], { good: true });
  expect([ids(review), review.left]).toEqual([["b", "c"], 2]);
  await saying;
  expect(asked).toContain('POST /api/takes/a/opinion {"why":"","issues":[],"seen":"a","good":true}');
  review.later();
  expect(ids(review)).toEqual(["c", "b"]);
  await review.undo();
  expect([ids(review), review.left]).toEqual([["a", "c", "b"], 3]);
  expect(asked.at(-1)).toBe("DELETE /api/takes/a/opinion");
  await review.undo();
  expect(asked.filter((one) => one.startsWith("DELETE")).length).toBe(1);
});

it("puts back what the studio refuses, and says why", async () => {
  const { review, toasts } = open();
  await review.load();
  refuse = true;
  await review.say(["a", "b"], { good: false, issues: ["blurry"] });
  expect(new Set(ids(review))).toEqual(new Set(["a", "b", "c"]));
  expect(review.left).toBe(3);
  expect(toasts.toasts.map((note) => note.text)).toContain("no");
});

it("gives a picture to whom it shows, and takes both back", async () => {
  const { review } = open();
  await review.load();
  await review.reassign(review.takes[0]!, { id: "ben" });
  expect(ids(review)).toEqual(["b", "c"]);
  expect(asked).toContain('POST /api/takes/a/reassign {"character":"ben"}');
  await review.undo();
  expect(ids(review)).toEqual(["a", "b", "c"]);
  expect(asked.slice(-3)).toEqual([
    "DELETE /api/takes/a/opinion",
    "GET /api/characters/ben",
    'PATCH /api/characters/ben {"references":[{"hash":"other","ext":"png"}]}',
  ]);
});

it("shows the list that was asked for last, whichever answer comes last", async () => {
  const { review } = open();
  held = new Map();
  const everybody = review.load();
  review.character = "PIP";
  await vi.waitFor(() => expect(held!.size).toBe(2));
  letGo("PIP");
  await vi.waitFor(() => expect(ids(review)).toEqual(["PIP"]));
  letGo("");
  await everybody;
  expect([ids(review), review.left]).toEqual([["PIP"], 1]);
});

it("does not bring back what was said while the list was on its way", async () => {
  const { review } = open();
  await review.load();
  held = new Map();
  const again = review.load();
  await vi.waitFor(() => expect(held!.size).toBe(1));
  await review.say(["a"], { good: true });
  letGo("");
  await again;
  expect([ids(review), review.left]).toEqual([["b", "c"], 2]);
});

it("counts what comes meanwhile, and lets go what others judged", async () => {
  const { review, refresh } = open();
  await refresh();
  expect(review.known).toBe(false);
  await review.load();
  review.later();
  waits = ["c", "d"];
  await refresh();
  // The first is being looked at; that somebody judged it is said when it is its turn.
  expect([ids(review), review.left]).toEqual([["b", "c", "d"], 2]);
  // Also while something is said, which does not come back.
  const saying = review.say(["b"], { good: true });
  waits = ["c", "d", "e"];
  await refresh();
  expect([ids(review), review.left]).toEqual([["c", "d", "e"], 2]);
  await saying;
  await vi.waitFor(() => expect([ids(review), review.left]).toEqual([["c", "d", "e"], 3]));
});

it("shows a take that was made anew as it is now", async () => {
  const { review, refresh } = open();
  await review.load();
  files = { a: "newer" };
  await refresh();
  expect([ids(review), review.takes[0]!.file.hash]).toEqual([["a", "b", "c"], "newer"]);
});

it("does not bring back what was said while a further page was on its way", async () => {
  const { review } = open();
  further = ["a", "d"];
  await review.load();
  held = new Map();
  // The page was asked for while "a" was still to be judged.
  const more = review.more();
  await vi.waitFor(() => expect(held!.size).toBe(1));
  await review.say(["a"], { good: true });
  letGo("");
  await more;
  expect(ids(review)).toEqual(["b", "c", "d"]);
});
