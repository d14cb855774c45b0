import { computed, onBeforeUnmount, watch } from "vue";
import type { LiveProgress } from "../api/live";
import { useLive } from "../stores/live";

/** The newest picture of what a task makes, while the one who asks is on the page: only what is in sight is asked for. */
export function usePreview(moved: () => LiveProgress | undefined) {
  const live = useLive();
  const me = Symbol();
  watch(
    () => (moved()?.preview ? moved()?.task : undefined),
    (task) => live.watch(me, task ? [task] : []),
    { immediate: true },
  );
  onBeforeUnmount(() => live.watch(me, []));
  return computed(() => {
    const task = moved()?.task;
    return task === undefined ? undefined : live.pictures.get(task);
  });
}
