/**
 * The pictures of a wall, newest first: read page by page as somebody scrolls, and anew only where something changed. Of
 * thousands, a change in the middle costs one page.
 */

import { computed, type Ref, shallowRef, watch } from "vue";
import { api, got, type Schemas } from "../api/client";
import { useLive } from "../stores/live";
import { useToasts } from "../stores/toasts";

type Picture = Schemas["Picture"];
export interface WallFilter {
  character: string;
  state?: Schemas["PictureState"];
  awaiting?: boolean;
  duplicates?: boolean;
}
export type ReadPage = (filter: WallFilter, limit: number, after?: string) => Promise<Schemas["PicturePage"]>;

const PAGE = 200;

/**
 * What is known after one page was read: below `above`, down to `below`, only what was read is there. Ids are in the
 * order of time, so the newest picture has the greatest.
 */
export function spliced(old: readonly Picture[], fresh: readonly Picture[], above?: string, below?: string | null) {
  return [
    ...old.filter(({ id }) => above !== undefined && id >= above),
    ...fresh,
    ...old.filter(({ id }) => below != null && id < below),
  ];
}

/** Whether a picture shows these words, by axis. */
export function shows(picture: Picture, words: Record<string, string>): boolean {
  return Object.entries(words).every(([axis, word]) => !word || picture.cell[axis] === word);
}

const ask: ReadPage = (filter, limit, after) =>
  got(api.GET("/api/pictures", { params: { query: { ...filter, sort: "newest", limit, after } } }));

export function useWall(filter: Ref<WallFilter>, words: Ref<Record<string, string>>, read: ReadPage = ask) {
  const live = useLive();
  const toasts = useToasts();
  const all = shallowRef<Picture[]>([]);
  const count = shallowRef<number>();
  /** Where more begins; `null`: there is no more. */
  let next: string | null | undefined;
  /** What was asked before the filter changed is of no interest. */
  let turn = 0;
  let busy: Promise<unknown> = Promise.resolve();

  /** One after another, so that no answer undoes a later one. */
  function queued(work: () => Promise<unknown>): Promise<void> {
    const mine = turn;
    const done = busy.then(async () => {
      if (mine !== turn) return;
      try {
        await work();
      } catch (error) {
        if (mine === turn) toasts.error(error);
      }
    });
    busy = done;
    return done;
  }
  /** Reads the page below a picture; answers down to where it reaches. */
  async function page(above?: string): Promise<string | null> {
    const mine = turn;
    const one = await read(filter.value, PAGE, above);
    if (mine !== turn) return null;
    all.value = spliced(all.value, one.pictures, above, one.next);
    if (above === undefined) count.value = one.left;
    const last = all.value.at(-1)?.id;
    if (one.next == null || one.next === last) next = one.next ?? null;
    return one.next ?? null;
  }
  const load = () =>
    queued(async () => {
      all.value = [];
      next = undefined;
      await page();
    });
  const more = () => queued(async () => next && (await page(next)));

  /** Reads again whatever these pictures are, or were, among. */
  const refresh = (ids: Iterable<string>) =>
    queued(async () => {
      const top = all.value[0]?.id;
      let reached = await page();
      // More may have come than a page holds: down to what was there.
      while (reached !== null && top !== undefined && reached > top) reached = await page(reached);
      for (const id of [...ids].sort().reverse()) {
        if (reached === null) return;
        // What was not read yet is read when somebody scrolls there.
        if (id >= reached || (next != null && id < next)) continue;
        reached = await page(all.value.findLast((one) => one.id > id)?.id);
      }
    });
  /** Shows what the studio answered to something that was said. */
  function put(picture: Picture) {
    all.value = all.value.map((one) => (one.id === picture.id ? picture : one));
  }

  watch(
    filter,
    (now, before) => {
      if (before && JSON.stringify(now) === JSON.stringify(before)) return;
      turn++;
      count.value = undefined;
      void load();
    },
    { immediate: true },
  );
  watch(
    () => live.changed,
    ({ pictures, all: everything }) => void (everything ? load() : refresh(pictures)),
  );
  const pictures = computed(() => all.value.filter((one) => shows(one, words.value)));
  // Words are looked for here, so everything must be.
  watch(
    [words, all],
    () => {
      if (Object.values(words.value).some(Boolean) && next && pictures.value.length < PAGE) void more();
    },
    { deep: true },
  );
  return { pictures, all, count, known: computed(() => count.value !== undefined), load, more, refresh, put };
}
