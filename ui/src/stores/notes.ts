/** Notes: short messages at the edge of the page, some with a way back. */

import { defineStore } from "pinia";
import { ref } from "vue";
import { Problem } from "../api/client";

export interface Note {
  id: number;
  kind: "good" | "bad";
  text: string;
  undo?: () => void;
}

export const useNotes = defineStore("notes", () => {
  const notes = ref<Note[]>([]);
  let next = 1;

  function put(kind: Note["kind"], text: string, undo?: () => void) {
    const id = next++;
    notes.value = [...notes.value.slice(-2), { id, kind, text, undo }];
    return id;
  }
  const drop = (id: number) => (notes.value = notes.value.filter((note) => note.id !== id));

  return {
    notes,
    drop,
    good: (text: string, undo?: () => void) => put("good", text, undo),
    bad: (error: unknown) =>
      put("bad", error instanceof Problem || error instanceof Error ? error.message : String(error)),
  };
});
