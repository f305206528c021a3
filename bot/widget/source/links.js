// What may become a link, and the emergency numbers of a country. Pure functions.

/** `given` where it is an https: address, else "". */
export function safeLink(given) {
  try {
    const { protocol, href } = new URL(given);
    return protocol === "https:" ? href : "";
  } catch {
    return "";
  }
}

/** A tel: address for a number as printed; "" without a digit. */
export function callLink(number) {
  const dialled = String(number ?? "").replace(/[^\d+*#]/g, "").replace(/#/g, "%23");
  return /\d/.test(dialled) ? "tel:" + dialled : "";
}

/** An sms: address for {number, body}; "" without a digit. */
export function textLink(text) {
  const number = String(text?.number ?? "").replace(/[^\d+]/g, "");
  if (!/\d/.test(number)) return "";
  return `sms:${number}${text.body ? "?body=" + encodeURIComponent(text.body) : ""}`;
}

// By the clock and never by a language. The larger zones alone: where none fits, no country is named.
const ZONES = {
  GB: /London|Belfast/,
  IE: /Dublin/,
  AU: /Australia/,
  NZ: /Auckland|Chatham/,
  IN: /Kolkata|Calcutta/,
  US: /New_York|Chicago|Denver|Los_Ang|Phoenix|Detroit/,
  CA: /Toronto|Vancouver|Edmonton|Winnipeg|Halifax/,
  EU: /Paris|Berlin|Madrid|Rome|Vienna|Brussels|Athens|Amsterdam|Warsaw|Lisbon|Stockholm/,
};

/** The country that the page gives or, where it gives none, that a device's time zone tells; or "". */
export function countryOf(given, zone) {
  if (/^[a-z]{2}$/i.test(given ?? "")) return given.toUpperCase();
  return Object.keys(ZONES).find((country) => ZONES[country].test(zone)) ?? "";
}

/**
 * The emergency numbers to show, [[country, [number, …]], …]: of the country, or where it is not known of several.
 */
export function emergencyNumbers(country, numbers, union) {
  if (numbers[country]) return [[country, numbers[country]]];
  if (union.includes(country) && numbers.EU) return [[country, numbers.EU]];
  return ["US", "GB", "EU"].filter((one) => numbers[one]).map((one) => [one, numbers[one]]);
}
