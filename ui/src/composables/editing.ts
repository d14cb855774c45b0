/** Editing: a copy to write in, kept when it stops changing, and never over what somebody else wrote meanwhile. */

import { computed, ref, type Ref, watch } from "vue";
import { Problem } from "../api/client";
import { useNotes } from "../stores/notes";
import { t } from "../texts";

/** How long nothing must change until it is kept, in milliseconds. */
const STILL = 1200;

export function useEditing<T extends object>(there: Ref<T | undefined>, tag: Ref<string | undefined>, keep: (value: T, tag?: string) => Promise<unknown>, again: () => Promise<unknown>) {
  const notes = useNotes();
  const mine = ref<T>() as Ref<T | undefined>;
  const state = ref<"kept" | "changed" | "keeping" | "refused">("kept");
  let base = "";
  let seen: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  watch(
    there,
    (now) => {
      if (!now || state.value === "changed" || state.value === "keeping") return;
      base = JSON.stringify(now);
      seen = tag.value;
      mine.value = JSON.parse(base) as T;
    },
    { immediate: true },
  );
  watch(
    mine,
    (now) => {
      if (!now || JSON.stringify(now) === base) return;
      state.value = "changed";
      clearTimeout(timer);
      timer = setTimeout(() => void save(), STILL);
    },
    { deep: true },
  );
  async function save() {
    clearTimeout(timer);
    if (!mine.value || state.value !== "changed") return;
    const sent = JSON.stringify(mine.value);
    state.value = "keeping";
    try {
      await keep(JSON.parse(sent) as T, seen);
      base = sent;
      state.value = "kept";
      await again();
      seen = tag.value;
      // What was written while it was on its way.
      if (mine.value && JSON.stringify(mine.value) !== sent) {
        state.value = "changed";
        timer = setTimeout(() => void save(), STILL);
      }
    } catch (error) {
      if (error instanceof Problem && error.code === "changed") {
        notes.bad(t.projects.conflict);
        state.value = "kept";
        await again();
      } else {
        notes.bad(error);
        state.value = "refused";
      }
    }
  }
  return { mine, state, save, dirty: computed(() => state.value !== "kept") };
}
