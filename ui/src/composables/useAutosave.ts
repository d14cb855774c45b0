/** Editing: a copy to write in, kept when it stops changing, and never over what somebody else wrote meanwhile. */

import { computed, ref, type Ref, watch } from "vue";
import { Problem } from "../api/client";
import { useToasts } from "../stores/toasts";
import { t } from "../i18n";

/** How long nothing must change until it is kept, in milliseconds. */
const STILL = 1200;

export function useAutosave<T extends object>(
  there: Ref<T | undefined>,
  tag: Ref<string | undefined>,
  keep: (value: T, tag?: string) => Promise<unknown>,
  again: () => Promise<unknown>,
) {
  const toasts = useToasts();
  const mine = ref<T>() as Ref<T | undefined>;
  const state = ref<"kept" | "changed" | "keeping" | "refused">("kept");
  let base = "";
  let seen: string | undefined;
  let saving = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function adopt() {
    if (!there.value) return;
    base = JSON.stringify(there.value);
    seen = tag.value;
    mine.value = JSON.parse(base) as T;
    state.value = "kept";
  }
  watch(there, () => !saving && (state.value === "kept" || !mine.value) && adopt(), { immediate: true });
  watch(
    mine,
    (now) => {
      // While something is on its way, the rest follows it.
      if (!now || saving || JSON.stringify(now) === base) return;
      later();
    },
    { deep: true },
  );
  function later() {
    state.value = "changed";
    clearTimeout(timer);
    timer = setTimeout(() => void save(), STILL);
  }
  async function save() {
    clearTimeout(timer);
    if (saving || !mine.value || state.value === "kept" || JSON.stringify(mine.value) === base) return;
    const sent = JSON.stringify(mine.value);
    saving = true;
    state.value = "keeping";
    try {
      await keep(JSON.parse(sent) as T, seen);
      await again();
      seen = tag.value;
      base = sent;
      if (JSON.stringify(mine.value) === sent) adopt();
      else later();
    } catch (error) {
      if (error instanceof Problem && error.code === "changed") {
        toasts.error(t("app.conflict"));
        await again();
        adopt();
      } else {
        toasts.error(error);
        state.value = "refused";
      }
    }
    saving = false;
  }
  return { mine, state, save, dirty: computed(() => state.value !== "kept") };
}
