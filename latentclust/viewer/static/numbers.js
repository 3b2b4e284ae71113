// Numbers as text.

/** Return a share as per cent, with one decimal. */
export function percent(share) {
  return share === null || share === undefined ? "–" : `${(share * 100).toFixed(1)} %`;
}

/** Return a unit for areas of which the largest has so many square metres: [name, square metres]. */
export function areaUnit(largest) {
  if (largest >= 1e7) return ["km²", 1e6];
  return largest >= 1e5 ? ["ha", 1e4] : ["m²", 1];
}

/** Return a number with thousands separators and about three digits that count. */
export function plain(value, unit = 1) {
  const scaled = value / unit;
  const digits = Math.abs(scaled) >= 100 ? 0 : Math.abs(scaled) >= 10 ? 1 : 2;
  return scaled.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/** Return a value of a band: whole, or with five digits that count. */
export function measured(value) {
  if (value === null) return "no data";
  return Number.isInteger(value) ? value.toLocaleString("en") : Number(value.toPrecision(6)).toString();
}

/** Return a whole number with thousands separators. */
export function grouped(number) {
  return number.toLocaleString("en");
}
