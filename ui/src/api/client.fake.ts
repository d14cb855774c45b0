import { vi } from "vitest";

/** Gives addresses without a host one: in Node a request needs it; in a browser the page has one. */
export function stubRequest() {
  const Real = Request;
  vi.stubGlobal(
    "Request",
    class extends Real {
      constructor(input: RequestInfo | URL, init?: RequestInit) {
        super(typeof input === "string" && input.startsWith("/") ? `http://studio.test${input}` : input, init);
      }
    },
  );
}
