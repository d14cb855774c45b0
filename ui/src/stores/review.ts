/** Review: the takes to be judged, what was said of them, and the way back. */

import { useQueryClient } from "@tanstack/vue-query";
import { defineStore } from "pinia";
import { ref, watch } from "vue";
import { api, got, type Schemas } from "../api/client";
import { useToasts } from "./toasts";

type View = Schemas["TakeView"];
export type Opinion = { good: boolean; why?: string; issues?: Schemas["Issue"][] };

const PAGE = 60;

export const useReview = defineStore("review", () => {
  const toasts = useToasts();
  const queries = useQueryClient();
  const takes = ref<View[]>([]);
  const left = ref(0);
  const known = ref(false);
  const said = ref<View[][]>([]);
  /** Whose reference a take became, by take. */
  const given = new Map<string, string>();
  const subject = ref<"" | "still" | "clip">("");
  const project = ref("");
  const character = ref("");
  let next: string | null = null;

  async function page(after?: string) {
    const query = {
      unjudged: true,
      limit: PAGE,
      sort: "oldest" as const,
      after,
      subject: subject.value || undefined,
      project: project.value || undefined,
      character: character.value || undefined,
    };
    return got(api.GET("/api/takes", { params: { query } }));
  }
  /** Which list is shown: what was asked for an earlier one is not shown when it comes late. */
  let list = 0;
  async function load() {
    const mine = ++list;
    next = null;
    since.clear();
    try {
      const first = await page();
      if (mine !== list) return;
      // What was said and is still on its way, or was said meanwhile, must not come back.
      takes.value = first.takes.filter((view) => !flying.has(view.take.id) && !since.has(view.take.id));
      left.value = Math.max(0, first.left - (first.takes.length - takes.value.length));
      next = first.next ?? null;
      known.value = true;
    } catch (error) {
      if (mine === list) toasts.error(error);
    }
  }
  async function more() {
    if (!next) return;
    const mine = list;
    const after = next;
    next = null;
    try {
      const page_ = await page(after);
      if (mine !== list) return;
      const there = new Set(takes.value.map((view) => view.take.id));
      takes.value.push(...page_.takes.filter((view) => !there.has(view.take.id) && !since.has(view.take.id)));
      next = page_.next ?? null;
    } catch (error) {
      if (mine !== list) return;
      next = after;
      toasts.error(error);
    }
  }

  /** Answers to what was said that are still on their way, and whether to look again when they are here. */
  let saying = 0;
  /** How often something was said: an answer from before the last time is not true any more. */
  let turns = 0;
  let late = false;
  async function whileSaying<T>(what: () => Promise<T>): Promise<T> {
    saying++;
    turns++;
    try {
      return await what();
    } finally {
      saying--;
      turns++;
      if (!saying && late) void refresh();
    }
  }
  /** More takes may have come, and others may have judged some: what is looked at stays where it is. */
  async function refresh() {
    if (!known.value) return;
    late = saying > 0;
    if (late) return;
    const [mine, then] = [list, turns];
    try {
      const first = await page();
      if (mine !== list) return;
      late = saying > 0;
      if (late) return;
      if (then !== turns) return void refresh();
      const there = new Map(first.takes.map((view) => [view.take.id, view]));
      const here = new Set(takes.value.map((view) => view.take.id));
      const all = !first.next;
      const come = all || here.size < PAGE ? first.takes.filter((view) => !here.has(view.take.id)) : [];
      // What is looked at stays until something is said of it, whatever others did.
      const stay = takes.value.filter((view, at) => !all || !at || there.has(view.take.id));
      // One that was made anew is shown as it is now.
      takes.value = [...stay.map((view) => there.get(view.take.id) ?? view), ...come];
      left.value = first.left;
      next ??= come.length ? (first.next ?? null) : null;
    } catch {
      // A studio that does not answer is told of elsewhere, and is asked again when it is there.
    }
  }

  const flying = new Set<string>();
  /** What was said since the list was asked for. */
  const since = new Set<string>();
  /** Gone at once; back where they were when the studio refuses. */
  const say = (ids: string[], opinion: Opinion) =>
    judged(ids, ({ take, file }) =>
      got(
        api.POST("/api/takes/{id}/opinion", {
          params: { path: { id: take.id } },
          body: { why: "", issues: [], seen: file.hash, ...opinion },
        }),
      ),
    );
  function reassign(view: View, to: { id: string }) {
    given.set(view.take.id, to.id);
    return judged([view.take.id], ({ take }) =>
      got(api.POST("/api/takes/{id}/reassign", { params: { path: { id: take.id } }, body: { character: to.id } })),
    );
  }
  async function judged(ids: string[], send: (view: View) => Promise<unknown>) {
    const before = takes.value;
    const wanted = new Set(ids);
    const these = before.filter((view) => wanted.has(view.take.id));
    takes.value = before.filter((view) => !wanted.has(view.take.id));
    left.value = Math.max(0, left.value - these.length);
    said.value = [...said.value.slice(-49), these];
    if (takes.value.length < 5) void more();
    await whileSaying(async () => {
      for (const view of these) {
        flying.add(view.take.id);
        since.add(view.take.id);
        try {
          await send(view);
        } catch (error) {
          since.delete(view.take.id);
          takes.value = [view, ...takes.value];
          left.value++;
          toasts.error(error);
        }
        flying.delete(view.take.id);
      }
    });
    void queries.invalidateQueries({ queryKey: ["takes"] });
  }
  async function undo() {
    const last = said.value.at(-1);
    if (!last) return;
    said.value = said.value.slice(0, -1);
    takes.value = [...last, ...takes.value];
    left.value += last.length;
    await whileSaying(async () => {
      for (const view of last) {
        since.delete(view.take.id);
        try {
          await got(api.DELETE("/api/takes/{id}/opinion", { params: { path: { id: view.take.id } } }));
          await takeBack(view);
        } catch (error) {
          toasts.error(error);
        }
      }
    });
  }
  /** Somebody's reference no more. */
  async function takeBack(view: View) {
    const id = given.get(view.take.id);
    if (!id) return;
    given.delete(view.take.id);
    const path = { id };
    const { sheet, tag } = await got(api.GET("/api/characters/{id}", { params: { path } }));
    const references = sheet.references.filter((one) => one.hash !== view.file.hash);
    await got(
      api.PATCH("/api/characters/{id}", {
        params: { path },
        body: { references } as never,
        headers: { "content-type": "application/merge-patch+json", "if-match": tag },
      }),
    );
  }
  function later() {
    const [first, ...rest] = takes.value;
    if (first) takes.value = [...rest, first];
  }
  watch([subject, project, character], load);

  return { takes, left, known, said, subject, project, character, load, more, refresh, say, reassign, undo, later };
});
