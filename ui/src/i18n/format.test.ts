import { describe, expect, it } from "vitest";
import { episodeCode, formats, localeOf, timecode } from "./format";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Half past four in the afternoon in Berlin, in winter. */
const NOW = Date.UTC(2026, 1, 3, 15, 30);
/** As `Intl` writes them: some spaces do not break, and some are narrow. */
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");

const british = formats("en-GB", "Europe/Berlin");
const american = formats("en-US", "America/New_York");
const german = formats("de-DE", "Europe/Berlin");

describe("lengths", () => {
  const lengths = [0, 999, 59_400, 90_000, 12 * MINUTE + 20 * SECOND, HOUR, 90 * MINUTE, -5];
  it("have two units at most, and no seconds from ten minutes on", () => {
    expect(lengths.map(british.duration)).toEqual([
      "0 secs",
      "1 sec",
      "59 secs",
      "1 min, 30 secs",
      "12 mins",
      "1 hr",
      "1 hr, 30 mins",
      "0 secs",
    ]);
    expect(lengths.map(german.duration).map(plain)).toEqual([
      "0 Sek.",
      "1 Sek.",
      "59 Sek.",
      "1 Min., 30 Sek.",
      "12 Min.",
      "1 Std.",
      "1 Std., 30 Min.",
      "0 Sek.",
    ]);
  });
  it("are asked of Intl.DurationFormat where there is one", () => {
    class Native {
      constructor(
        readonly locale: string,
        readonly options: { style: string },
      ) {}
      format(length: object) {
        return `${this.locale} ${this.options.style} ${JSON.stringify(length)}`;
      }
    }
    expect(formats("de-DE", "UTC", Native).duration(90 * MINUTE)).toBe('de-DE short {"hours":1,"minutes":30}');
  });
});

describe("moments", () => {
  it("are an hour today, and a day before", () => {
    expect([british, american, german].map((one) => plain(one.dateTime(NOW, NOW)))).toEqual([
      "16:30",
      "10:30 AM",
      "16:30",
    ]);
    const yesterday = NOW - 20 * HOUR;
    expect([british, american, german].map((one) => plain(one.dateTime(yesterday, NOW)))).toEqual([
      "2 Feb, 20:30",
      "Feb 2, 02:30 PM",
      "2. Feb., 20:30",
    ]);
  });
  it("are today by the clock of who reads", () => {
    const midnight = Date.UTC(2026, 1, 2, 23, 0);
    expect(german.dateTime(midnight, NOW)).toBe("00:00");
    expect(plain(american.dateTime(midnight, NOW))).toBe("Feb 2, 06:00 PM");
  });
  it("are said by how long ago they were, for two days", () => {
    const ages = [0, 59 * SECOND, MINUTE, 59 * MINUTE, HOUR, 47 * HOUR, 48 * HOUR, -HOUR];
    expect(ages.map((age) => plain(british.ago(NOW - age, NOW)))).toEqual([
      "now",
      "now",
      "1 minute ago",
      "59 minutes ago",
      "1 hour ago",
      "47 hours ago",
      "1 Feb, 16:30",
      "now",
    ]);
    expect(ages.slice(1, 5).map((age) => german.ago(NOW - age, NOW))).toEqual([
      "jetzt",
      "vor 1 Minute",
      "vor 59 Minuten",
      "vor 1 Stunde",
    ]);
  });
  it("have days that begin with Monday", () => {
    expect([0, 5, 6].map(british.weekday)).toEqual(["Mon", "Sat", "Sun"]);
    expect([0, 5, 6].map(german.weekday)).toEqual(["Mo", "Sa", "So"]);
    expect(plain(american.utcDay(Date.UTC(2026, 0, 31)))).toBe("Jan 31");
  });
});

describe("numbers", () => {
  it("are written as the country does", () => {
    expect([british.number(1234.5, 2), german.number(1234.5, 2), german.number(9_999)]).toEqual([
      "1,234.50",
      "1.234,50",
      "9.999",
    ]);
    expect([british.percent(0.456), plain(german.percent(0.456))]).toEqual(["46%", "46 %"]);
    expect([0.456, 1, 0, null, undefined].map(german.score)).toEqual(["46", "100", "0", "–", "–"]);
    expect([british.significant(0.012345), german.significant(1.23456)]).toEqual(["0.0123", "1,23"]);
  });
  it("keep their units", () => {
    expect([british.gibibytes(12_288), german.gibibytes(6_400)].map(plain)).toEqual(["12.0 GiB", "6,3 GiB"]);
    expect([british.watts(170.4), german.celsius(61.2), british.celsius(61.2)].map(plain)).toEqual([
      "170 W",
      "61 °C",
      "61°C",
    ]);
  });
});

it("writes timecodes and episodes one way in every language", () => {
  expect([timecode(74_000), timecode(3_000), episodeCode(1, 12)]).toEqual(["1:14", "0:03", "S01E12"]);
});

it("takes the country of the browser, else the usual one", () => {
  expect([localeOf("en", ["de-DE", "en-US"]), localeOf("en", ["en"]), localeOf("de", ["de-AT"])]).toEqual([
    "en-US",
    "en-GB",
    "de-AT",
  ]);
});
