/**
 * A queue of what a person is to judge: what waits, what was said of it, and the way back.
 *
 * What is shown is what the studio answered, less what was said since it was asked, plus what was taken back since.
 * Which of two came first is told by one clock that only counts: when a page was asked for, and when an answer to what
 * was said was there.
 */

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed, type Ref, ref, shallowReactive, shallowRef, watch } from "vue";
import { useToasts } from "../stores/toasts";

/** One page of a queue, as the studio answers it. */
export type Answer<View> = { views: View[]; left: number; next?: string | null };
/** A page, and when it was asked for. */
type Page<View> = Answer<View> & { asked: number };
/** What was said at once, and when: who has two queues takes back what was said last. */
export type Said<View> = { views: View[]; at: number };

const PAGE = 60;
/** How often one can go back. */
const HISTORY = 50;
/** When: not yet. */
const LATER = Infinity;
/** The clock of all queues. */
let clock = 0;

export interface Queue<View, Filters> {
  /** The key of its pages, which no event makes untrue: of a wall of ten thousand only the first is asked for again. */
  key: string;
  /** The key that events make untrue. */
  news: string;
  filters: Ref<Filters>;
  page(filters: Filters, limit: number, after?: string): Promise<Answer<View>>;
  id(view: View): string;
  takeBack(view: View): Promise<unknown>;
}

export function useQueue<View, Filters>(of: Queue<View, Filters>) {
  const toasts = useToasts();
  const queries = useQueryClient();
  const open = ref(false);
  const { filters, id: idOf } = of;

  async function page(after?: string): Promise<Page<View>> {
    const asked = ++clock;
    return { ...(await of.page(filters.value, PAGE, after)), asked };
  }
  const newsKey = computed(() => [of.news, "review", JSON.stringify(filters.value)]);
  const listKey = computed(() => [of.key, JSON.stringify(filters.value)]);
  const list = useInfiniteQuery({
    queryKey: listKey,
    enabled: open,
    initialPageParam: undefined as string | undefined,
    async queryFn({ pageParam }) {
      const key = newsKey.value;
      const one = await page(pageParam);
      if (!pageParam) queries.setQueryData(key, one);
      return one;
    },
    getNextPageParam: (last) => last.next ?? undefined,
  });
  /** More may have come, and others may have judged some. */
  const news = useQuery({
    queryKey: newsKey,
    enabled: computed(() => open.value && !!list.data.value),
    queryFn: () => page(),
  });
  watch(list.error, (error) => error && toasts.error(error));

  /** When what was said of one had been heard. */
  const said = shallowReactive(new Map<string, number>());
  /** What was taken back: when what was said of it had been heard, and when that it was taken back. */
  const back = shallowReactive(new Map<string, { view: View; said: number; heard: number }>());
  /** What is to come last. */
  const postponed = ref<string[]>([]);
  /** What is looked at stays until something is said of it, whatever others did. */
  const looking = shallowRef<View>();
  const history = shallowRef<Said<View>[]>([]);

  const heard = (id: string) => said.get(id) ?? 0;
  const known = computed(() => !!list.data.value);
  const views = computed<View[]>(() => {
    const head = news.data.value;
    if (!list.data.value || !head) return [];
    const all = new Map<string, View>();
    const pages = list.data.value.pages;
    for (const one of pages) for (const view of one.views) if (one.asked > heard(idOf(view))) all.set(idOf(view), view);
    const whole = !head.next;
    const fresh = new Map(
      head.views.filter((view) => head.asked > heard(idOf(view))).map((view) => [idOf(view), view]),
    );
    // A page in the middle of a long list says nothing of what comes after it.
    const grows = whole || all.size < PAGE;
    for (const [id, view] of fresh) if (grows || all.has(id)) all.set(id, view);
    if (whole) for (const id of [...all.keys()]) if (!fresh.has(id)) all.delete(id);

    const first = [...back].filter(([id, one]) => !all.has(id) && one.heard > head.asked).map(([, one]) => one.view);
    const seen = looking.value;
    if (seen && !all.has(idOf(seen)) && !said.has(idOf(seen)) && !back.has(idOf(seen))) first.push(seen);
    const rank = (view: View) => postponed.value.indexOf(idOf(view));
    return [...first, ...all.values()].sort((a, b) => rank(a) - rank(b));
  });
  watch(
    () => views.value[0],
    (now) => now && (looking.value = now),
    { flush: "sync" },
  );
  watch(filters, () => (looking.value = undefined), { flush: "sync" });
  const left = computed(() => {
    const head = news.data.value;
    if (!head) return 0;
    const out = [...said.values()].filter((when) => when > head.asked).length;
    const again = [...back.values()].filter((one) => one.said < head.asked && head.asked < one.heard).length;
    return Math.max(0, head.left - out + again);
  });

  /** Asks for the list anew, from its beginning. */
  async function load() {
    open.value = true;
    queries.setQueriesData<{ pages: Page<View>[]; pageParams: unknown[] }>({ queryKey: [of.key] }, (data) =>
      data ? { pages: data.pages.slice(0, 1), pageParams: data.pageParams.slice(0, 1) } : data,
    );
    await list.refetch();
  }
  /** Nobody looks any more. */
  const close = () => (open.value = false);
  async function more() {
    if (list.hasNextPage.value) await list.fetchNextPage();
    else if (news.data.value?.next && !list.isFetching.value) await list.refetch();
  }

  // One after another: what is taken back was said before.
  const one = { scope: { id: of.key }, networkMode: "always" as const };
  const judge = useMutation({
    ...one,
    mutationFn: ({ view, send }: { view: View; send: (view: View) => Promise<unknown> }) => send(view),
    onSuccess: (_, { view }) => said.set(idOf(view), ++clock),
    onError(error, { view }) {
      // Back where it was.
      said.delete(idOf(view));
      toasts.error(error);
    },
  });
  const takeBack = useMutation({
    ...one,
    mutationFn: (view: View) => of.takeBack(view),
    onSuccess: (_, view) => back.set(idOf(view), { ...back.get(idOf(view))!, heard: ++clock }),
    onError: (error) => toasts.error(error),
  });

  /** Gone at once; back where they were when the studio refuses. */
  async function judged(ids: string[], send: (view: View) => Promise<unknown>) {
    const wanted = new Set(ids);
    const these = views.value.filter((view) => wanted.has(idOf(view)));
    for (const view of these) {
      said.set(idOf(view), LATER);
      back.delete(idOf(view));
    }
    history.value = [...history.value.slice(1 - HISTORY), { views: these, at: ++clock }];
    if (views.value.length < 5) void more();
    await Promise.allSettled(these.map((view) => judge.mutateAsync({ view, send })));
    void queries.invalidateQueries({ queryKey: [of.news] });
  }
  async function undo() {
    const last = history.value.at(-1);
    if (!last) return;
    history.value = history.value.slice(0, -1);
    for (const view of last.views) {
      const id = idOf(view);
      back.set(id, { view, said: heard(id), heard: LATER });
      said.delete(id);
    }
    await Promise.allSettled(last.views.map((view) => takeBack.mutateAsync(view)));
  }
  function later() {
    const first = views.value[0];
    if (!first) return;
    const id = idOf(first);
    postponed.value = [...postponed.value.filter((one) => one !== id), id];
  }

  return { views, left, known, history, load, close, more, judged, undo, later };
}
