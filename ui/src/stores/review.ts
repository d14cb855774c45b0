/** Review: the takes to be judged, what was said of them, and the way back. */

import { useQueryClient } from "@tanstack/vue-query";
import { defineStore } from "pinia";
import { ref, watch } from "vue";
import { api, got, type Schemas } from "../api/client";
import { useNotes } from "./notes";

type View = Schemas["TakeView"];
export type Opinion = { good: boolean; why?: string; issues?: Schemas["Issue"][] };

const PAGE = 60;

export const useReview = defineStore("review", () => {
  const notes = useNotes();
  const queries = useQueryClient();
  const takes = ref<View[]>([]);
  const left = ref(0);
  const known = ref(false);
  const said = ref<View[][]>([]);
  const subject = ref<"" | "still" | "clip">("");
  const project = ref("");
  let next: string | null = null;

  async function page(after?: string) {
    const query = { unjudged: true, limit: PAGE, sort: "oldest" as const, after, subject: subject.value || undefined, project: project.value || undefined };
    return got(api.GET("/api/takes", { params: { query } }));
  }
  async function load() {
    try {
      const first = await page();
      // What was said and is still on its way must not come back.
      const gone = new Set(flying);
      takes.value = first.takes.filter((view) => !gone.has(view.take.id));
      left.value = Math.max(0, first.left - gone.size);
      next = first.next ?? null;
      known.value = true;
    } catch (error) {
      notes.bad(error);
    }
  }
  async function more() {
    if (!next) return;
    const after = next;
    next = null;
    try {
      const page_ = await page(after);
      const there = new Set(takes.value.map((view) => view.take.id));
      takes.value.push(...page_.takes.filter((view) => !there.has(view.take.id)));
      next = page_.next ?? null;
    } catch (error) {
      next = after;
      notes.bad(error);
    }
  }

  const flying = new Set<string>();
  /** Gone at once; back where they were when the studio refuses. */
  async function say(ids: string[], opinion: Opinion) {
    const before = takes.value;
    const wanted = new Set(ids);
    const these = before.filter((view) => wanted.has(view.take.id));
    takes.value = before.filter((view) => !wanted.has(view.take.id));
    left.value = Math.max(0, left.value - these.length);
    said.value = [...said.value.slice(-49), these];
    if (takes.value.length < 5) void more();
    for (const view of these) {
      flying.add(view.take.id);
      try {
        await got(api.POST("/api/takes/{id}/opinion", { params: { path: { id: view.take.id } }, body: { why: "", issues: [], ...opinion } }));
      } catch (error) {
        takes.value = [view, ...takes.value];
        left.value++;
        notes.bad(error);
      }
      flying.delete(view.take.id);
    }
    void queries.invalidateQueries({ queryKey: ["takes"] });
  }
  async function undo() {
    const last = said.value.at(-1);
    if (!last) return;
    said.value = said.value.slice(0, -1);
    takes.value = [...last, ...takes.value];
    left.value += last.length;
    for (const view of last) {
      try {
        await got(api.DELETE("/api/takes/{id}/opinion", { params: { path: { id: view.take.id } } }));
      } catch (error) {
        notes.bad(error);
      }
    }
  }
  function later() {
    const [first, ...rest] = takes.value;
    if (first) takes.value = [...rest, first];
  }
  watch([subject, project], load);

  return { takes, left, known, said, subject, project, load, more, say, undo, later };
});
