/**
 * Review: the takes to be judged, what was said of them, and the way back.
 *
 * What is shown is what the studio answered, less what was said since it was asked, plus what was taken back since.
 * Which of two came first is told by one clock that only counts: when a page was asked for, and when an answer to what
 * was said was there.
 */

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/vue-query";
import { defineStore } from "pinia";
import { computed, ref, shallowReactive, shallowRef, watch } from "vue";
import { api, got, mergePatch, type Schemas } from "../api/client";
import { useToasts } from "./toasts";

type View = Schemas["TakeView"];
export type Opinion = { good: boolean; why?: string; issues?: Schemas["Issue"][] };
/** A page of takes, and when it was asked for. */
type Page = { takes: View[]; left: number; next?: string | null; asked: number };

const PAGE = 60;
/** How often one can go back. */
const HISTORY = 50;
/** When: not yet. */
const LATER = Infinity;

export const useReview = defineStore("review", () => {
  const toasts = useToasts();
  const queries = useQueryClient();
  const subject = ref<"" | "still" | "clip">("");
  const project = ref("");
  const character = ref("");
  const open = ref(false);
  const filters = computed(() => ({
    subject: subject.value || undefined,
    project: project.value || undefined,
    character: character.value || undefined,
  }));

  let clock = 0;
  async function page(after?: string): Promise<Page> {
    const asked = ++clock;
    const query = { unjudged: true, limit: PAGE, sort: "oldest" as const, after, ...filters.value };
    return { ...(await got(api.GET("/api/takes", { params: { query } }))), asked };
  }
  const newsKey = computed(() => ["takes", "review", filters.value]);
  const list = useInfiniteQuery({
    // Not among the takes that events make untrue: of a wall of ten thousand only the first page is asked for again.
    queryKey: ["review", filters],
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
  /** More takes may have come, and others may have judged some. */
  const news = useQuery({
    queryKey: newsKey,
    enabled: computed(() => open.value && !!list.data.value),
    queryFn: () => page(),
  });
  watch(list.error, (error) => error && toasts.error(error));

  /** When what was said of a take had been heard. */
  const said = shallowReactive(new Map<string, number>());
  /** What was taken back: when what was said of it had been heard, and when that it was taken back. */
  const back = shallowReactive(new Map<string, { view: View; said: number; heard: number }>());
  /** What is to come last. */
  const postponed = ref<string[]>([]);
  /** What is looked at stays until something is said of it, whatever others did. */
  const looking = shallowRef<View>();
  const history = ref<View[][]>([]);
  /** Whose reference a take became, by take. */
  const given = new Map<string, string>();

  const heard = (id: string) => said.get(id) ?? 0;
  const known = computed(() => !!list.data.value);
  const takes = computed(() => {
    const head = news.data.value;
    if (!list.data.value || !head) return [];
    const all = new Map<string, View>();
    const pages = list.data.value.pages;
    for (const one of pages)
      for (const view of one.takes) if (one.asked > heard(view.take.id)) all.set(view.take.id, view);
    const whole = !head.next;
    const fresh = new Map(
      head.takes.filter((view) => head.asked > heard(view.take.id)).map((view) => [view.take.id, view]),
    );
    // A page in the middle of a long list says nothing of what comes after it.
    const grows = whole || all.size < PAGE;
    for (const [id, view] of fresh) if (grows || all.has(id)) all.set(id, view);
    if (whole) for (const id of [...all.keys()]) if (!fresh.has(id)) all.delete(id);

    const first = [...back].filter(([id, one]) => !all.has(id) && one.heard > head.asked).map(([, one]) => one.view);
    const seen = looking.value;
    if (seen && !all.has(seen.take.id) && !said.has(seen.take.id) && !back.has(seen.take.id)) first.push(seen);
    const rank = ({ take }: View) => postponed.value.indexOf(take.id);
    return [...first, ...all.values()].sort((a, b) => rank(a) - rank(b));
  });
  watch(
    () => takes.value[0],
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
    queries.setQueriesData<{ pages: Page[]; pageParams: unknown[] }>({ queryKey: ["review"] }, (data) =>
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
  const one = { scope: { id: "review" }, networkMode: "always" as const };
  const judge = useMutation({
    ...one,
    mutationFn: ({ view, send }: { view: View; send: (view: View) => Promise<unknown> }) => send(view),
    onSuccess: (_, { view }) => said.set(view.take.id, ++clock),
    onError(error, { view }) {
      // Back where it was.
      said.delete(view.take.id);
      toasts.error(error);
    },
  });
  const takeBack = useMutation({
    ...one,
    async mutationFn(view: View) {
      await got(api.DELETE("/api/takes/{id}/opinion", { params: { path: { id: view.take.id } } }));
      await ungive(view);
    },
    onSuccess: (_, view) => back.set(view.take.id, { ...back.get(view.take.id)!, heard: ++clock }),
    onError: (error) => toasts.error(error),
  });

  /** Gone at once; back where they were when the studio refuses. */
  async function judged(ids: string[], send: (view: View) => Promise<unknown>) {
    const wanted = new Set(ids);
    const these = takes.value.filter((view) => wanted.has(view.take.id));
    for (const { take } of these) {
      said.set(take.id, LATER);
      back.delete(take.id);
    }
    history.value = [...history.value.slice(1 - HISTORY), these];
    if (takes.value.length < 5) void more();
    await Promise.allSettled(these.map((view) => judge.mutateAsync({ view, send })));
    void queries.invalidateQueries({ queryKey: ["takes"] });
  }
  const say = (ids: string[], opinion: Opinion) =>
    judged(ids, ({ take, file }) =>
      got(
        api.POST("/api/takes/{id}/opinion", {
          params: { path: { id: take.id } },
          body: { why: "", issues: [], seen: file.hash, ...opinion },
        }),
      ),
    );
  function reassign(view: View, to: { id: string }) {
    given.set(view.take.id, to.id);
    return judged([view.take.id], ({ take }) =>
      got(api.POST("/api/takes/{id}/reassign", { params: { path: { id: take.id } }, body: { character: to.id } })),
    );
  }
  async function undo() {
    const last = history.value.at(-1);
    if (!last) return;
    history.value = history.value.slice(0, -1);
    for (const view of last) {
      const { id } = view.take;
      back.set(id, { view, said: heard(id), heard: LATER });
      said.delete(id);
    }
    await Promise.allSettled(last.map((view) => takeBack.mutateAsync(view)));
  }
  /** Somebody's reference no more. */
  async function ungive(view: View) {
    const id = given.get(view.take.id);
    if (!id) return;
    given.delete(view.take.id);
    const path = { id };
    const { sheet, tag } = await got(api.GET("/api/characters/{id}", { params: { path } }));
    const references = sheet.references.filter((one) => one.hash !== view.file.hash);
    await got(
      api.PATCH("/api/characters/{id}", {
        params: { path },
        body: { references },
        headers: mergePatch(tag),
      }),
    );
  }
  function later() {
    const id = takes.value[0]?.take.id;
    if (id) postponed.value = [...postponed.value.filter((one) => one !== id), id];
  }

  return { takes, left, known, history, subject, project, character, load, close, more, say, reassign, undo, later };
});
