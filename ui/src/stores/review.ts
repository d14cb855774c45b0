/** Review: the takes to be judged, what was said of them, and the way back. */

import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { api, got, mergePatch, type Schemas } from "../api/client";
import { useQueue } from "../composables/useQueue";

type View = Schemas["TakeView"];
export type Opinion = { good: boolean; why?: string; issues?: Schemas["Issue"][] };

export const useReview = defineStore("review", () => {
  const subject = ref<"" | "still" | "clip">("");
  const project = ref("");
  const character = ref("");
  /** Whose reference a take became, by take. */
  const given = new Map<string, string>();
  const queue = useQueue({
    key: "review",
    news: "takes",
    filters: computed(() => ({
      subject: subject.value || undefined,
      project: project.value || undefined,
      character: character.value || undefined,
    })),
    async page(filters, limit, after) {
      const query = { unjudged: true, limit, sort: "oldest" as const, after, ...filters };
      const { takes, left, next } = await got(api.GET("/api/takes", { params: { query } }));
      return { views: takes, left, next };
    },
    id: (view: View) => view.take.id,
    async takeBack(view) {
      await got(api.DELETE("/api/takes/{id}/opinion", { params: { path: { id: view.take.id } } }));
      await ungive(view);
    },
  });

  const say = (ids: string[], opinion: Opinion) =>
    queue.judged(ids, ({ take, file }) =>
      got(
        api.POST("/api/takes/{id}/opinion", {
          params: { path: { id: take.id } },
          body: { why: "", issues: [], seen: file.hash, ...opinion },
        }),
      ),
    );
  function reassign(view: View, to: { id: string }) {
    given.set(view.take.id, to.id);
    return queue.judged([view.take.id], ({ take }) =>
      got(api.POST("/api/takes/{id}/reassign", { params: { path: { id: take.id } }, body: { character: to.id } })),
    );
  }
  /** Somebody's reference no more. */
  async function ungive(view: View) {
    const id = given.get(view.take.id);
    if (!id) return;
    given.delete(view.take.id);
    const path = { id };
    const { sheet, tag } = await got(api.GET("/api/characters/{id}", { params: { path } }));
    const references = sheet.references.filter((one) => one.hash !== view.file.hash);
    await got(
      api.PATCH("/api/characters/{id}", {
        params: { path },
        body: { references },
        headers: mergePatch(tag),
      }),
    );
  }

  const { views: takes, left, known, history, load, close, more, undo, later } = queue;
  return { takes, left, known, history, subject, project, character, load, close, more, say, reassign, undo, later };
});
