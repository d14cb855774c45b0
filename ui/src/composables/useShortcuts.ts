/** Keys that work everywhere: G and a letter goes to a page, ? shows the sheet. */

import { onBeforeUnmount, onMounted } from "vue";
import { useRouter } from "vue-router";
import type { Key } from "../i18n";

/** The letter, where it goes, and the text that names it. */
export const PAGE_KEYS = [
  ["n", "/", "tabs.now"],
  ["p", "/projects", "tabs.projects"],
  ["c", "/characters", "tabs.characters"],
  ["t", "/training", "tabs.training"],
  ["r", "/review", "tabs.review"],
  ["s", "/scenes", "tabs.scenes"],
  ["e", "/episodes", "tabs.episodes"],
  ["d", "/decisions", "tabs.decisions"],
  ["a", "/analytics", "tabs.analytics"],
  [",", "/settings", "tabs.settings"],
] as const satisfies [string, string, Key][];

/** Whether somebody is writing, so that letters are letters. */
export function writes(event: KeyboardEvent): boolean {
  const at = event.composedPath()[0];
  return (
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    (at instanceof HTMLElement && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName)))
  );
}

export function useShortcuts(on: { sheet: () => void; theme: () => void }) {
  const router = useRouter();
  let go = 0;
  const hear = (event: KeyboardEvent) => {
    if (writes(event)) return;
    const key = event.key.toLowerCase();
    if (go && Date.now() - go < 1500) {
      go = 0;
      const to = PAGE_KEYS.find(([letter]) => letter === key);
      if (to) {
        event.preventDefault();
        void router.push(to[1]);
      }
      return;
    }
    if (key === "g") go = Date.now();
    else if (key === "?") on.sheet();
    else if (key === "t") on.theme();
  };
  onMounted(() => window.addEventListener("keydown", hear));
  onBeforeUnmount(() => window.removeEventListener("keydown", hear));
}
