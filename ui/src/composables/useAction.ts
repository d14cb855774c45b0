/** A button that asks the studio something: busy meanwhile, what came of it in a toast, and what is shown made new. */

import { useQueryClient } from "@tanstack/vue-query";
import { ref } from "vue";
import { useToasts } from "../stores/toasts";

/** `key`: what is asked for again afterwards; without it everything. */
export function useAction(key?: string) {
  const toasts = useToasts();
  const queries = useQueryClient();
  const busy = ref(false);
  /** Whether it went well; `said` is told then. */
  async function run(what: () => Promise<unknown>, said?: string): Promise<boolean> {
    busy.value = true;
    try {
      await what();
      if (said) toasts.success(said);
      return true;
    } catch (error) {
      toasts.error(error);
      return false;
    } finally {
      busy.value = false;
      await queries.invalidateQueries(key ? { queryKey: [key] } : undefined);
    }
  }
  return { busy, run };
}
