/** The pictures of datasets that wait for a person: what was said of them, and the way back. */

import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { api, got, type Schemas } from "../api/client";
import { useQueue } from "../composables/useQueue";

type Picture = Schemas["Picture"];
export type Word = { good: boolean; categories?: Schemas["Rejection"][]; note?: string };

export const usePictures = defineStore("pictures", () => {
  const project = ref("");
  /** Id of the character whose pictures are shown; empty: everybody's. */
  const character = ref("");
  /** Who had a picture before it was given to somebody else, by picture. */
  const given = new Map<string, string>();
  const path = (picture: Picture) => ({ params: { path: { id: picture.id } } });
  const queue = useQueue({
    key: "picture-review",
    news: "pictures",
    filters: computed(() => ({ project: project.value || undefined, character: character.value || undefined })),
    async page(filters, limit, after) {
      const query = { awaiting: true, sort: "oldest" as const, limit, after, ...filters };
      const { pictures, left, next } = await got(api.GET("/api/pictures", { params: { query } }));
      return { views: pictures, left, next };
    },
    id: (picture: Picture) => picture.id,
    async takeBack(picture) {
      const from = given.get(picture.id);
      given.delete(picture.id);
      if (from) await got(api.POST("/api/pictures/{id}/reassign", { ...path(picture), body: { character: from } }));
      else await got(api.DELETE("/api/pictures/{id}/decision", path(picture)));
    },
  });

  const say = (ids: string[], word: Word) =>
    queue.judged(ids, (picture) =>
      got(api.PUT("/api/pictures/{id}/decision", { ...path(picture), body: { categories: [], note: "", ...word } })),
    );
  function reassign(picture: Picture, to: { id: string }) {
    given.set(picture.id, picture.character_id);
    return queue.judged([picture.id], () =>
      got(api.POST("/api/pictures/{id}/reassign", { ...path(picture), body: { character: to.id } })),
    );
  }

  const { views: pictures, left, known, history, load, close, more, undo, later } = queue;
  return { pictures, left, known, history, project, character, load, close, more, say, reassign, undo, later };
});
