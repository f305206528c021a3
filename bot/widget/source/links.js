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

// A device's time zone says more about where somebody is than their language does.
const ZONES = {
  GB: /London|Belfast/,
  IE: /Dublin/,
  AU: /Australia/,
  NZ: /Auckland|Chatham/,
  IN: /Asia.(Kolk|Calc)/,
};
// The language counts only where the clock agrees.
const NEAR = { US: /^(America|US|Pacific)/, CA: /^(America|Canada)/, EU: /^(Europe|Atlantic|Asia.Nicosia)/ };

/**
 * The country that somebody is probably in, or "".
 *
 * @param {string} given what the page says; wins
 * @param {string} language such as en-GB
 * @param {string} zone such as Europe/London
 * @param {string[]} union members of the European Union
 */
export function countryOf(given, language, zone, union) {
  if (/^[a-z]{2}$/i.test(given ?? "")) return given.toUpperCase();
  for (const country in ZONES) if (ZONES[country].test(zone)) return country;
  const region = /-([A-Z]{2})\b/.exec(language)?.[1] ?? "";
  return NEAR[union.includes(region) ? "EU" : region]?.test(zone) ? region : "";
}

/**
 * The emergency numbers to show, [[country, [number, …]], …]: of the country, or where it is not known of several.
 */
export function emergencyNumbers(country, numbers, union) {
  if (numbers[country]) return [[country, numbers[country]]];
  if (union.includes(country) && numbers.EU) return [[country, numbers.EU]];
  return ["US", "GB", "EU"].filter((one) => numbers[one]).map((one) => [one, numbers[one]]);
}
