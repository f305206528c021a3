import assert from "node:assert/strict";
import { test } from "node:test";

import { callLink, countryOf, emergencyNumbers, safeLink, textLink } from "../../bot/widget/source/links.js";

const UNION = ["FR", "DE", "IE", "ES"];
const NUMBERS = { US: ["911"], GB: ["999"], IE: ["112", "999"], EU: ["112"] };

test("only https becomes a link", () => {
  assert.equal(safeLink("https://example.org/a?b=c"), "https://example.org/a?b=c");
  for (const bad of [
    "http://example.org", "javascript:alert(1)", " javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:alert(1)",
    "data:text/html,x", "vbscript:x", "blob:https://example.org/x", "//example.org", "/here", "", null, undefined, {}, 7,
  ]) assert.equal(safeLink(bad), "", String(bad));
});

test("numbers to call and to write to", () => {
  assert.equal(callLink("1-800-222-1222"), "tel:18002221222");
  assert.equal(callLink("+44 20 7946 0018"), "tel:+442079460018");
  assert.equal(callLink("*31#"), "tel:*31%23");
  for (const bad of ["javascript:alert(a)", "", null, undefined, "+"]) assert.equal(callLink(bad), "");
  assert.equal(textLink({ number: "85258", body: "SHOUT now&" }), "sms:85258?body=SHOUT%20now%26");
  assert.equal(textLink({ number: "988", body: null }), "sms:988");
  for (const bad of [{ number: null }, {}, null, { number: "javascript:" }]) assert.equal(textLink(bad), "");
});

test("where somebody probably is", () => {
  const table = [
    // given, time zone, country, why
    ["gb", "America/New_York", "GB", "the page knows"],
    ["england", "America/New_York", "US", "no country code: the page says nothing"],
    ["", "Europe/London", "GB", "by the clock"],
    [null, "Europe/Dublin", "IE", "by the clock"],
    ["", "Australia/Perth", "AU", "by the clock"],
    ["", "Asia/Calcutta", "IN", "the old name of the zone"],
    ["", "America/Toronto", "CA", "by the clock"],
    ["", "America/Sao_Paulo", "", "a country without an entry"],
    ["", "Europe/Madrid", "EU", "a member"],
    ["", "Europe/Zurich", "", "not a member"],
    ["", "UTC", "", "nothing is known"],
    ["", undefined, "", "nothing is known"],
  ];
  for (const [given, zone, country, why] of table) assert.equal(countryOf(given, zone), country, why);
});

test("a number is never shown without its country", () => {
  assert.deepEqual(emergencyNumbers("GB", NUMBERS, UNION), [["GB", ["999"]]]);
  assert.deepEqual(emergencyNumbers("IE", NUMBERS, UNION), [["IE", ["112", "999"]]], "an entry of its own comes first");
  assert.deepEqual(emergencyNumbers("FR", NUMBERS, UNION), [["FR", ["112"]]]);
  assert.deepEqual(emergencyNumbers("EU", NUMBERS, UNION), [["EU", ["112"]]]);
  const some = [["US", ["911"]], ["GB", ["999"]], ["EU", ["112"]]];
  for (const unknown of ["", "BR", "XX"]) assert.deepEqual(emergencyNumbers(unknown, NUMBERS, UNION), some);
  assert.deepEqual(emergencyNumbers("GB", {}, []), []);
});
