/** A button that asks the studio something: busy meanwhile, what came of it in a note, and what is shown made new. */

import { useQueryClient } from "@tanstack/vue-query";
import { ref } from "vue";
import { useNotes } from "../stores/notes";

/** `key`: what is asked for again afterwards; without it everything. */
export function useAsking(key?: string) {
  const notes = useNotes();
  const queries = useQueryClient();
  const busy = ref(false);
  /** Whether it went well; `said` is told then. */
  async function ask(what: () => Promise<unknown>, said?: string): Promise<boolean> {
    busy.value = true;
    try {
      await what();
      if (said) notes.good(said);
      return true;
    } catch (error) {
      notes.bad(error);
      return false;
    } finally {
      busy.value = false;
      await queries.invalidateQueries(key ? { queryKey: [key] } : undefined);
    }
  }
  return { busy, ask };
}
