/** The API, typed by the contract: one function for every call, problems as errors, and retries that are safe. */

import createClient, { type Middleware } from "openapi-fetch";
import { t } from "../i18n";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** A refusal, as RFC 9457 problem+json says it. */
export class Problem extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    detail: string,
    readonly requestId?: string,
  ) {
    super(detail);
  }

  /** Under what the studio's log has it, where the fault was the studio's own: a plain refusal says all there is. */
  get faultId(): string | undefined {
    return this.status >= 500 || this.code === "internal" || this.code === "unavailable" ? this.requestId : undefined;
  }
}

const unreachable = () => new Problem("network", 0, t("app.network"));

/** How long to wait before the next try, in milliseconds; then it is given up. */
const WAITS = [1500, 3000, 6000];

/** Random, also where the page is not a secure context: `http://studio.local` is none. */
export function key(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const wait = { for: (ms: number) => new Promise<void>((done) => setTimeout(done, ms)) };

/** Tries again what the network lost and what the studio could not do at the moment; refusals are final. */
export async function patient(ask: () => Promise<Response>): Promise<Response> {
  for (const ms of [...WAITS, 0]) {
    const last = ms === 0;
    try {
      const answer = await ask();
      if (answer.status < 500 || last) return answer;
    } catch (error) {
      if (last || (error instanceof DOMException && error.name === "AbortError")) throw error;
    }
    await wait.for(ms);
  }
  throw unreachable();
}

/** The same key goes with every try of one request, so that nothing is done twice. */
const idempotent: Middleware = {
  onRequest({ request }) {
    if (request.method === "POST") request.headers.set("idempotency-key", key());
  },
};
/** Questions are asked again by vue-query, which knows whether anybody still wants the answer. */
const retried: Middleware = {
  onRequest: ({ request, options }) =>
    request.method === "GET" ? undefined : patient(() => options.fetch(request.clone())),
};

export const api = createClient<paths>({ baseUrl: "/", fetch: (request) => fetch(request) });
api.use(idempotent, retried);

/** Headers of a merge patch (RFC 7396) onto what has this tag: it is refused when somebody else was faster. */
export function mergePatch(tag?: string) {
  return { "content-type": "application/merge-patch+json", ...(tag ? { "if-match": tag } : {}) };
}

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The answer itself; a refusal is thrown. */
export async function got<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await asked;
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw unreachable();
  }
  const { data, error, response } = answer;
  if (response.ok) return data as T;
  throw problem(error, response.status);
}

export function problem(said: unknown, status: number): Problem {
  const one = (typeof said === "object" && said !== null ? said : {}) as Partial<Schemas["Problem"]>;
  const detail = one.code === "changed" ? t("app.conflict") : one.detail;
  return new Problem(
    one.code ?? "unknown",
    status,
    detail ?? t("app.refused", { status }),
    one.request_id ?? undefined,
  );
}

/** Sends a file as it is, and says how far it is, 0-1. */
export function upload(
  role: "picture" | "video" | "sound",
  file: Blob,
  hear: (done: number) => void,
): Promise<Schemas["Output"]> {
  return sent(`/api/uploads?role=${role}`, file, hear).then((said) => (said as Schemas["Uploaded"]).output);
}

export function uploadProject(file: Blob, hear: (done: number) => void): Promise<Schemas["Project"]> {
  return sent("/api/projects/import", file, hear).then((said) => (said as Schemas["Arrived"]).project);
}

/** Puts a picture, every picture of a ZIP archive, or frames of a video into a dataset. */
export function uploadPictures(character: string, file: File, hear: (done: number) => void): Promise<Schemas["Taken"]> {
  const to = `/api/characters/${encodeURIComponent(character)}/dataset/pictures`;
  return sent(`${to}?name=${encodeURIComponent(file.name)}`, file, hear) as Promise<Schemas["Taken"]>;
}

/** Puts a picture on a reference sheet as what it shows; of a place there is one view. */
export function uploadPortrait(
  of: "character" | "location",
  id: string,
  view: Schemas["PortraitView"],
  file: File,
): Promise<Schemas["Portrait"]> {
  const more = of === "character" ? `&view=${view}` : "";
  const to = `/api/${of}s/${encodeURIComponent(id)}/portraits/upload?name=${encodeURIComponent(file.name)}${more}`;
  return sent(to, file, () => undefined) as Promise<Schemas["Portrait"]>;
}

/** Brings a LoRA file for a character, or for the whole films of a project. */
export function uploadLora(
  of: "character" | "project",
  id: string,
  file: File,
  hear: (done: number) => void,
): Promise<Schemas["KeptLoraView"]> {
  const to = `/api/${of}s/${encodeURIComponent(id)}/loras?name=${encodeURIComponent(file.name)}`;
  return sent(to, file, hear) as Promise<Schemas["KeptLoraView"]>;
}

/** Puts a picture, or every picture of a ZIP archive, among those of a project that have no name yet. */
export function uploadUnnamed(
  project: string,
  file: File,
  hear: (done: number) => void,
): Promise<Schemas["PicturesSorted"]> {
  const to = `/api/projects/${encodeURIComponent(project)}/unnamed`;
  return sent(`${to}?name=${encodeURIComponent(file.name)}`, file, hear) as Promise<Schemas["PicturesSorted"]>;
}

/** `fetch` cannot say how far an upload is. */
function sent(address: string, file: Blob, hear: (done: number) => void): Promise<unknown> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.responseType = "json";
    request.upload.onprogress = (event) => event.lengthComputable && hear(event.loaded / event.total);
    request.onerror = () => failed(new Problem("network", 0, t("app.uploadBroke")));
    request.onload = () =>
      request.status < 300 ? done(request.response) : failed(problem(request.response, request.status));
    request.send(file);
  });
}

/** Address of a kept file; with a width, of a small picture of it. */
export function asset(hash: string, width?: 160 | 320 | 640 | 1280): string {
  return width ? `/api/assets/${hash}?w=${width}` : `/api/assets/${hash}`;
}
