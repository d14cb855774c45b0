/** Toasts: short messages at the edge of the page, some with a way back. */

import { defineStore } from "pinia";
import { ref } from "vue";

export interface Toast {
  id: number;
  kind: "success" | "error";
  text: string;
  undo?: () => void;
}

/** How many are seen at once; the oldest go first. */
const SEEN = 3;

export const useToasts = defineStore("toasts", () => {
  const toasts = ref<Toast[]>([]);
  let next = 1;

  function show(kind: Toast["kind"], text: string, undo?: () => void) {
    toasts.value = [...toasts.value, { id: next++, kind, text, undo }].slice(-SEEN);
  }

  return {
    toasts,
    dismiss: (id: number) => (toasts.value = toasts.value.filter((toast) => toast.id !== id)),
    success: (text: string, undo?: () => void) => show("success", text, undo),
    error: (error: unknown) => show("error", error instanceof Error ? error.message : String(error)),
  };
});
