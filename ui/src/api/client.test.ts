import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { api, got, key, patient, Problem, problem, wait } from "./client";

const answer = (status: number, body: unknown = {}) =>
  new Response(status === 204 ? null : JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json" },
  });
const waits: number[] = [];

beforeEach(() => {
  waits.length = 0;
  wait.for = (ms) => {
    waits.push(ms);
    return Promise.resolve();
  };
});
afterEach(() => vi.unstubAllGlobals());

describe("patience", () => {
  it("tries again what the network lost and what the studio could not do, longer each time", async () => {
    const asks = [
      () => Promise.reject(new TypeError("lost")),
      () => Promise.resolve(answer(503)),
      () => Promise.resolve(answer(200)),
    ];
    const said = await patient(() => asks.shift()!());
    expect(said.status).toBe(200);
    expect(waits).toEqual([1500, 3000]);
  });
  it("gives up after three more tries, and at once where it was refused", async () => {
    let asked = 0;
    expect((await patient(() => (asked++, Promise.resolve(answer(500))))).status).toBe(500);
    expect(asked).toBe(4);
    expect((await patient(() => (asked++, Promise.resolve(answer(409))))).status).toBe(409);
    expect(asked).toBe(5);
  });
});

describe("the API", () => {
  it("sends the same idempotency key with every try of one request, and another with the next", async () => {
    const keys: (string | null)[] = [];
    const ask = vi.fn((request: Request) => {
      keys.push(request.headers.get("idempotency-key"));
      return Promise.resolve(answer(keys.length === 1 ? 503 : 202));
    });
    vi.stubGlobal("fetch", ask);
    const call = () =>
      got(api.POST("/api/episodes/{id}/produce", { baseUrl: "http://studio.test", params: { path: { id: "a" } } }));
    await call();
    await call();
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[1]);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  });
  it("throws what the studio says, with its code", async () => {
    vi.stubGlobal("fetch", () =>
      Promise.resolve(answer(409, { code: "conflict", detail: "it is being made", title: "no", status: 409 })),
    );
    const error = await got(
      api.POST("/api/episodes/{id}/produce", { baseUrl: "http://studio.test", params: { path: { id: "a" } } }),
    ).catch((one: Problem) => one);
    expect(error).toBeInstanceOf(Problem);
    expect((error as Problem).code).toBe("conflict");
    expect((error as Problem).message).toBe("it is being made");
  });
  it("keeps the request's id, and tells it of the studio's own faults only", () => {
    const said = (code: string, status: number) => problem({ code, request_id: "0192-a" }, status);
    expect(said("not_found", 404).requestId).toBe("0192-a");
    for (const own of [said("unknown", 502), said("internal", 400), said("unavailable", 400)])
      expect(own.faultId).toBe("0192-a");
    expect(said("not_found", 404).faultId).toBeUndefined();
    expect(problem({ code: "internal", request_id: null }, 500).faultId).toBeUndefined();
  });
  it("has a sentence for answers that are no problem documents", () => {
    expect(problem("<html>", 502).message).toContain("502");
    expect(key()).not.toBe(key());
  });
});
