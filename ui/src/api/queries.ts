/** What the page asks for, each under the key that events make untrue. */

import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/vue-query";
import { computed, type MaybeRefOrGetter, toValue } from "vue";
import { api, got, type Schemas } from "./client";

export type Id = MaybeRefOrGetter<string | undefined>;

type Page = { next?: string | null };
/** Every page of a list, as one. */
export async function every<P extends Page, T>(
  page: (after?: string) => Promise<P>,
  of: (page: P) => T[],
): Promise<T[]> {
  const all: T[] = [];
  let after: string | undefined;
  do {
    const one = await page(after);
    all.push(...of(one));
    after = one.next ?? undefined;
  } while (after);
  return all;
}
const limit = 500;

export const useProjects = () =>
  useQuery({
    queryKey: ["projects"],
    queryFn: () =>
      every(
        (after) => got(api.GET("/api/projects", { params: { query: { after, limit } } })),
        (page) => page.projects,
      ),
  });

export const useProject = (id: Id) =>
  useQuery({
    queryKey: ["project", id],
    enabled: computed(() => !!toValue(id)),
    queryFn: () => got(api.GET("/api/projects/{id}", { params: { path: { id: toValue(id)! } } })),
  });

export const useEpisodes = () =>
  useQuery({
    queryKey: ["episodes"],
    queryFn: () =>
      every(
        (after) => got(api.GET("/api/episodes", { params: { query: { sort: "newest", after, limit } } })),
        (page) => page.episodes,
      ),
  });

export const useCharacters = () =>
  useQuery({
    queryKey: ["characters"],
    queryFn: () =>
      every(
        (after) => got(api.GET("/api/characters", { params: { query: { after, limit } } })),
        (page) => page.characters,
      ),
  });

export const useCharacter = (id: Id) =>
  useQuery({
    queryKey: ["character", id],
    enabled: computed(() => !!toValue(id)),
    queryFn: () => got(api.GET("/api/characters/{id}", { params: { path: { id: toValue(id)! } } })),
  });

/** The reference sheet of a character, or the establishing pictures of a place. */
export const usePortraits = (of: MaybeRefOrGetter<"character" | "location">, id: Id) =>
  useQuery({
    queryKey: ["portraits", id],
    enabled: computed(() => !!toValue(id)),
    placeholderData: keepPreviousData,
    queryFn: () => {
      const path = { params: { path: { id: toValue(id)! } } };
      return toValue(of) === "character"
        ? got(api.GET("/api/characters/{id}/portraits", path))
        : got(api.GET("/api/locations/{id}/portraits", path));
    },
  });

/** A dataset with the entity tag of its settings. */
export const useDataset = (id: Id) =>
  useQuery({
    queryKey: ["dataset", id],
    enabled: computed(() => !!toValue(id)),
    async queryFn() {
      const asked = api.GET("/api/characters/{id}/dataset", { params: { path: { id: toValue(id)! } } });
      const view = await got(asked);
      return { ...view, tag: (await asked).response.headers.get("etag") ?? undefined };
    },
  });

/** What is told of the approved pictures of a dataset in training, tag by tag. */
export const useTags = (id: Id) =>
  useQuery({
    queryKey: ["dataset", id, "tags"],
    enabled: computed(() => !!toValue(id)),
    queryFn: () => got(api.GET("/api/characters/{id}/dataset/tags", { params: { path: { id: toValue(id)! } } })),
  });

/** What thresholds of near-duplicates would group of a dataset. */
export const useCopies = (id: Id, tried: () => Pick<Schemas["DatasetSettings"], "copy_dct" | "copy_gradient">) =>
  useQuery({
    queryKey: ["copies", id, computed(tried)],
    enabled: computed(() => !!toValue(id)),
    placeholderData: keepPreviousData,
    queryFn: () => {
      const { copy_dct: dct, copy_gradient: gradient } = tried();
      return got(
        api.GET("/api/characters/{id}/dataset/copies", {
          params: { path: { id: toValue(id)! }, query: { dct, gradient } },
        }),
      );
    },
  });

/** Reviews of many pictures of a dataset, the newest first. */
export const useReviews = (id: Id) =>
  useQuery({
    queryKey: ["dataset", id, "reviews"],
    enabled: computed(() => !!toValue(id)),
    placeholderData: keepPreviousData,
    queryFn: () => got(api.GET("/api/characters/{id}/dataset/reviews", { params: { path: { id: toValue(id)! } } })),
  });

/** Every approved picture of a dataset: what its grid is made of. */
export const useApproved = (character: Id) =>
  useQuery({
    queryKey: ["dataset", character, "approved"],
    enabled: computed(() => !!toValue(character)),
    placeholderData: keepPreviousData,
    queryFn: () =>
      every(
        (after) =>
          got(
            api.GET("/api/pictures", {
              params: { query: { character: toValue(character)!, state: "approved", duplicates: true, after, limit } },
            }),
          ),
        (page) => page.pictures,
      ),
  });

/** Videos whose frames become pictures of a dataset, the newest first. */
export const useIngests = (character: Id) =>
  useQuery({
    queryKey: ["ingests", character],
    enabled: computed(() => !!toValue(character)),
    placeholderData: keepPreviousData,
    queryFn: () =>
      got(api.GET("/api/characters/{id}/dataset/ingests", { params: { path: { id: toValue(character)! } } })),
  });

/** Runs that train LoRAs, the newest first, page by page: of a character, or of the whole studio. */
export const useTrainings = (
  of: MaybeRefOrGetter<"character" | "studio">,
  character: Id,
  state: MaybeRefOrGetter<Schemas["TrainingState"] | undefined> = undefined,
) =>
  useInfiniteQuery({
    queryKey: ["trainings", of, character, state],
    enabled: computed(() => toValue(of) === "studio" || !!toValue(character)),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => {
      const query = { state: toValue(state), sort: "newest" as const, after: pageParam, limit: 20 };
      return toValue(of) === "studio"
        ? got(api.GET("/api/trainings", { params: { query } }))
        : got(api.GET("/api/characters/{id}/trainings", { params: { path: { id: toValue(character)! }, query } }));
    },
    getNextPageParam: (last) => last.next ?? undefined,
    // Events tell of epochs, not of how far a slice is.
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.trainings.some(({ task, training }) => task && !training.paused))
        ? 5000
        : false,
  });

/** A run with its epochs and the pictures that compare them. */
export const useTraining = (id: Id) =>
  useQuery({
    queryKey: ["training", id],
    enabled: computed(() => !!toValue(id)),
    queryFn: () => got(api.GET("/api/trainings/{id}", { params: { path: { id: toValue(id)! } } })),
  });

/** The last lines a trainer wrote, anew every few seconds while the run goes on. */
export const useTrainingLog = (id: Id, grows: MaybeRefOrGetter<boolean>) =>
  useQuery({
    queryKey: ["training-log", id],
    enabled: computed(() => !!toValue(id)),
    staleTime: 0,
    refetchInterval: () => (toValue(grows) ? 3000 : false),
    queryFn: () => got(api.GET("/api/trainings/{id}/log", { params: { path: { id: toValue(id)! } }, parseAs: "text" })),
  });

/** What a run would be, take and cost; nothing is begun. */
export const useTrainingPreview = (id: Id, asked: () => Schemas["StartTraining"]) =>
  useQuery({
    queryKey: ["training-preview", id, computed(asked)],
    enabled: computed(() => !!toValue(id)),
    retry: false,
    placeholderData: keepPreviousData,
    queryFn: () =>
      got(
        api.POST("/api/characters/{id}/trainings/preview", { params: { path: { id: toValue(id)! } }, body: asked() }),
      ),
  });

/** Trainers there are, and what the one of the settings needs. */
export const useTrainers = () =>
  useQuery({ queryKey: ["trainers"], staleTime: 60_000, queryFn: () => got(api.GET("/api/trainers")) });

/** Characters a LoRA could be trained of, those first that are ready and have none. */
export const useCandidates = () =>
  useQuery({
    queryKey: ["training-candidates"],
    queryFn: async () => (await got(api.GET("/api/trainings/candidates"))).candidates,
  });

/** LoRAs that the studio looks after, the newest first: of a character, or for the whole films of a project. */
export const useKeptLoras = (of: MaybeRefOrGetter<"character" | "project">, id: Id) =>
  useQuery({
    queryKey: ["kept-loras", id],
    enabled: computed(() => !!toValue(id)),
    queryFn: async () => {
      const path = { params: { path: { id: toValue(id)! } } };
      const { loras } =
        toValue(of) === "character"
          ? await got(api.GET("/api/characters/{id}/loras", path))
          : await got(api.GET("/api/projects/{id}/loras", path));
      return loras;
    },
  });

/** Pictures of a project that have no name yet, the oldest first, page by page. */
export const useUnnamed = (project: Id) =>
  useInfiniteQuery({
    queryKey: ["unnamed", project],
    enabled: computed(() => !!toValue(project)),
    placeholderData: keepPreviousData,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      got(
        api.GET("/api/projects/{id}/unnamed", {
          params: { path: { id: toValue(project)! }, query: { sort: "oldest", after: pageParam, limit: 60 } },
        }),
      ),
    getNextPageParam: (last) => last.next ?? undefined,
  });

export const usePicture = (id: Id) =>
  useQuery({
    queryKey: ["picture", id],
    enabled: computed(() => !!toValue(id)),
    placeholderData: keepPreviousData,
    queryFn: () => got(api.GET("/api/pictures/{id}", { params: { path: { id: toValue(id)! } } })),
  });

export const usePictureHistory = (id: Id) =>
  useQuery({
    queryKey: ["picture", id, "history"],
    enabled: computed(() => !!toValue(id)),
    queryFn: () => got(api.GET("/api/pictures/{id}/history", { params: { path: { id: toValue(id)! } } })),
  });

export const useLocations = () =>
  useQuery({
    queryKey: ["locations"],
    queryFn: () =>
      every(
        (after) => got(api.GET("/api/locations", { params: { query: { after, limit } } })),
        (page) => page.locations,
      ),
  });

export const useVoices = () =>
  useQuery({
    queryKey: ["voices"],
    staleTime: 60_000,
    retry: false,
    queryFn: () =>
      every(
        (after) => got(api.GET("/api/voices", { params: { query: { after, limit } } })),
        (page) => page.voices,
      ),
  });

export const useStories = (looking: MaybeRefOrGetter<boolean>) =>
  useQuery({
    queryKey: ["stories"],
    enabled: computed(() => toValue(looking)),
    queryFn: () => got(api.GET("/api/stories", { params: { query: { limit: 10 } } })),
  });

export const useEpisode = (id: Id) =>
  useQuery({
    queryKey: ["episode", id],
    enabled: computed(() => !!toValue(id)),
    placeholderData: keepPreviousData,
    queryFn: () => got(api.GET("/api/episodes/{id}", { params: { path: { id: toValue(id)! } } })),
  });

export const useScreenplay = (id: Id) =>
  useQuery({
    queryKey: ["screenplay", id],
    enabled: computed(() => !!toValue(id)),
    retry: false,
    queryFn: () => got(api.GET("/api/episodes/{id}/screenplay", { params: { path: { id: toValue(id)! } } })),
  });

export const useCosts = (id: Id) =>
  useQuery({
    queryKey: ["episode", id, "costs"],
    enabled: computed(() => !!toValue(id)),
    queryFn: () => got(api.GET("/api/episodes/{id}/costs", { params: { path: { id: toValue(id)! } } })),
  });

export const useShot = (id: Id) =>
  useQuery({
    queryKey: ["shot", id],
    enabled: computed(() => !!toValue(id)),
    queryFn: () => got(api.GET("/api/shots/{id}", { params: { path: { id: toValue(id)! } } })),
  });

export const useFleet = (running: MaybeRefOrGetter<boolean>) =>
  useQuery({
    queryKey: ["fleet"],
    queryFn: () => got(api.GET("/api/fleet")),
    // Watts and degrees move only while something runs; an idle page asks nothing.
    refetchInterval: () => (toValue(running) ? 3000 : false),
  });

export const usePlan = () =>
  useQuery({ queryKey: ["plan"], queryFn: () => got(api.GET("/api/fleet/plan")), staleTime: 10_000 });

export const useHistory = (hours: MaybeRefOrGetter<number>) =>
  useQuery({
    queryKey: ["history", hours],
    queryFn: () => got(api.GET("/api/fleet/history", { params: { query: { hours: toValue(hours) } } })),
  });

export const useTasks = (state: "waiting" | "running" | "failed" | "needs_person", limit = 100) =>
  useQuery({
    queryKey: ["tasks", state],
    // Of what waits the oldest comes first; of the rest the newest is of interest.
    queryFn: () =>
      got(
        api.GET("/api/tasks", { params: { query: { state, limit, sort: state === "waiting" ? "oldest" : "newest" } } }),
      ),
  });

export const useTask = (id: Id) =>
  useQuery({
    queryKey: ["task", id],
    enabled: computed(() => !!toValue(id)),
    queryFn: () => got(api.GET("/api/tasks/{id}", { params: { path: { id: toValue(id)! } } })),
  });

export const useCheck = () =>
  useQuery({ queryKey: ["check"], staleTime: 60_000, queryFn: () => got(api.GET("/api/check")) });
export const useSettings = () => useQuery({ queryKey: ["settings"], queryFn: () => got(api.GET("/api/settings")) });
export const useFormats = () =>
  useQuery({
    queryKey: ["formats"],
    staleTime: Infinity,
    queryFn: () => got(api.GET("/api/formats")).then((page) => page.formats),
  });
export const useModels = () =>
  useQuery({
    queryKey: ["models"],
    queryFn: () =>
      every(
        (after) => got(api.GET("/api/models", { params: { query: { after, limit } } })),
        (page) => page.models,
      ),
  });
export const useWorkflows = () =>
  useQuery({
    queryKey: ["workflows"],
    queryFn: () =>
      every(
        (after) => got(api.GET("/api/workflows", { params: { query: { after, limit } } })),
        (page) => page.workflows,
      ),
  });
/** LoRA files of the folder of the settings; none while no folder is named. */
export const useLoras = () =>
  useQuery({
    queryKey: ["loras"],
    queryFn: async () => {
      let last: Schemas["LoraPage"] | undefined;
      const loras = await every(
        async (after) => (last = await got(api.GET("/api/loras", { params: { query: { after, limit } } }))),
        (page) => page.loras,
      );
      return { folder: last?.folder, more: last?.more, loras };
    },
  });
export const useTokens = () =>
  useQuery({
    queryKey: ["tokens"],
    queryFn: () =>
      every(
        (after) => got(api.GET("/api/tokens", { params: { query: { after, limit } } })),
        (page) => page.tokens,
      ),
  });
export const useSession = () => useQuery({ queryKey: ["session"], queryFn: () => got(api.GET("/api/session")) });
export const usePresets = () =>
  useQuery({ queryKey: ["presets"], staleTime: Infinity, queryFn: () => got(api.GET("/api/motion-presets")) });
export const useAnalytics = (days: MaybeRefOrGetter<number>) =>
  useQuery({
    queryKey: ["analytics", days],
    placeholderData: keepPreviousData,
    queryFn: () => got(api.GET("/api/analytics", { params: { query: { days: toValue(days) } } })),
  });
