/** Fountain for the editor: what a line is, roughly, as it is written. The studio itself reads it exactly. */

import type { StreamParser } from "@codemirror/language";

interface Now {
  /** The line before was empty, or there is none. */
  fresh: boolean;
  /** Somebody speaks. */
  speech: boolean;
  /** The title page goes on. */
  page: boolean;
  note: boolean;
}

const HEADING = /^(\.(?!\.)|(int|ext|est|i\/e|int\.?\/ext)[. ])/i;
const CUE = /^(@|[^a-z]*[A-Z][^a-z]*(\(.*\))?\s*\^?$)/;

export const fountain: StreamParser<Now> = {
  name: "fountain",
  startState: () => ({ fresh: true, speech: false, page: true, note: false }),
  blankLine(now) {
    now.fresh = true;
    now.speech = false;
    now.page = false;
  },
  token(stream, now) {
    if (now.note || stream.match("[[")) {
      now.note = !stream.skipTo("]]");
      if (now.note) stream.skipToEnd();
      else stream.match("]]");
      return "meta";
    }
    if (!stream.sol()) {
      // The rest of the line up to a note.
      if (!stream.skipTo("[[")) stream.skipToEnd();
      return now.speech ? "string" : null;
    }
    const line = stream.string;
    const fresh = now.fresh;
    now.fresh = false;
    if (now.page && /^[\w ]+:|^\s+\S/.test(line)) {
      stream.skipToEnd();
      return "comment";
    }
    now.page = false;
    const whole = (kind: string | null) => {
      if (!stream.skipTo("[[")) stream.skipToEnd();
      return kind;
    };
    if (/^\s*\(/.test(line) && now.speech) return whole("emphasis");
    if (now.speech) return whole("string");
    if (/^#/.test(line)) return whole("heading");
    if (/^=(?!==)/.test(line)) return whole("comment");
    if (fresh && HEADING.test(line)) return whole("heading");
    if (fresh && (/^>[^<]*$/.test(line) || /^[^a-z]*TO:$/.test(line.trim()))) return whole("keyword");
    if (fresh && !line.startsWith("!") && CUE.test(line.trim())) {
      now.speech = true;
      return whole("name");
    }
    return whole(null);
  },
};
