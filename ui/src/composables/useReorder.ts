/** A list whose rows are dragged by their grips to another place; the arrows beside them are the caller's. */

import type Sortable from "sortablejs";
import { onBeforeUnmount, type Ref, watch } from "vue";

/** `move` is told the old and the new place, and draws the list anew. */
export function useReorder(list: Ref<HTMLElement | undefined>, move: (from: number, to: number) => void) {
  let sortable: Sortable | undefined;
  let over = false;
  const end = () => {
    sortable?.destroy();
    sortable = undefined;
  };
  watch(
    list,
    async (now) => {
      end();
      if (!now) return;
      // Nobody drags in the first moment: the rest of the page comes before.
      const { default: Sortable } = await import("sortablejs");
      if (over || list.value !== now) return;
      sortable = Sortable.create(now, {
        handle: "[data-grip]",
        animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 120,
        onEnd({ oldIndex, newIndex, item, from }) {
          if (oldIndex === undefined || newIndex === undefined || oldIndex === newIndex) return;
          // The list is Vue's to draw: the element goes back before Vue moves it.
          from.insertBefore(item, from.children[oldIndex + (oldIndex > newIndex ? 1 : 0)] ?? null);
          move(oldIndex, newIndex);
        },
      });
    },
    { immediate: true },
  );
  onBeforeUnmount(() => {
    over = true;
    end();
  });
}
