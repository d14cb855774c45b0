/** Keys that work everywhere: G and a letter goes to a page, ? shows the sheet. */

import { onBeforeUnmount, onMounted } from "vue";
import { useRouter } from "vue-router";
import { t } from "../texts";

export const KEYS = [
  ["n", "/", t.tabs.now],
  ["p", "/projects", t.tabs.projects],
  ["c", "/characters", t.tabs.characters],
  ["r", "/review", t.tabs.review],
  ["s", "/scenes", t.tabs.scenes],
  ["e", "/episodes", t.tabs.episodes],
  ["d", "/decisions", t.tabs.decisions],
  ["a", "/analytics", t.tabs.analytics],
  [",", "/settings", t.tabs.settings],
] as const;

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

export function useKeys(on: { sheet: () => void; theme: () => void }) {
  const router = useRouter();
  let go = 0;
  const hear = (event: KeyboardEvent) => {
    if (writes(event)) return;
    const key = event.key.toLowerCase();
    if (go && Date.now() - go < 1500) {
      go = 0;
      const to = KEYS.find(([letter]) => letter === key);
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
