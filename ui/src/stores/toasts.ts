/** Toasts: short messages at the edge of the page, some with a way back. */

import { defineStore } from "pinia";
import { ref } from "vue";

export interface Toast {
  id: number;
  kind: "success" | "error";
  text: string;
  undo?: () => void;
  /** What `text` is of, when something went wrong. */
  error?: unknown;
}

/** How many are seen at once; the oldest go first. */
const SEEN = 3;

export const useToasts = defineStore("toasts", () => {
  const toasts = ref<Toast[]>([]);
  let next = 1;

  function show(toast: Omit<Toast, "id">) {
    toasts.value = [...toasts.value, { id: next++, ...toast }].slice(-SEEN);
  }

  return {
    toasts,
    dismiss: (id: number) => (toasts.value = toasts.value.filter((toast) => toast.id !== id)),
    success: (text: string, undo?: () => void) => show({ kind: "success", text, undo }),
    error: (error: unknown) =>
      show({ kind: "error", text: error instanceof Error ? error.message : String(error), error }),
  };
});
