// Numbers, spans and moments as text; elements made of text. Names of series are a stranger's text: they go into the
// page by textContent alone, never as markup.
export const NONE = "–";
export const $ = id => document.getElementById(id);
export const whole = n => n == null ? NONE : Math.round(n).toLocaleString("en");
export const compact = n => n == null ? NONE : Math.abs(n) < 1e5 ? whole(n) : n.toLocaleString("en", {notation: "compact", maximumFractionDigits: 1});
export const percent = n => n == null ? NONE : (100 * n).toLocaleString("en", {maximumFractionDigits: 1});
export const brief = n => n == null ? NONE : n.toPrecision(3);
export const number = n => n == null ? NONE : n !== 0 && (Math.abs(n) < 1e-3 || Math.abs(n) >= 1e9) ? n.toExponential(3) : n.toLocaleString("en", {maximumSignificantDigits: 6});

export function make(tag, text, name) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (name) element.className = name;
  return element;
}
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text; // else a selection in it would be lost
}
export function shape(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
export function span(seconds) {
  const short = value => value.toLocaleString("en", {maximumSignificantDigits: 3});
  if (seconds > 0 && seconds < 1) return `${short(seconds * 1000)} ms`;
  if (seconds < 120) return `${short(seconds)} s`;
  if (seconds < 3600 || (seconds < 7200 && seconds % 3600)) return `${short(seconds / 60)} min`;
  if (seconds < 86400 || (seconds < 172800 && seconds % 86400)) return `${short(seconds / 3600)} h`;
  return seconds === 86400 ? "1 day" : `${short(seconds / 86400)} days`;
}

// Moments in the reader's zone, in the form YYYY-MM-DD HH:MM:SS.
const clock = new Intl.DateTimeFormat("sv-SE", {dateStyle: "short", timeStyle: "medium"});
export const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
export function moment(seconds, step = 1) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return `${whole(seconds)} s`;
  const text = clock.format(date);
  const fine = step < 1 ? `.${String(date.getMilliseconds()).padStart(3, "0")}` : "";
  return step >= 86400 && text.endsWith("00:00:00") ? text.slice(0, -9) : text + fine;
}
export function tick(seconds, between) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return "";
  const text = clock.format(date), day = text.slice(0, -9), time = text.slice(-8);
  if (between >= 2419200) return day.slice(0, -3);
  if (between >= 86400) return day.slice(-5);
  if (between < 1) return `${time.slice(3)}.${String(date.getMilliseconds()).padStart(3, "0")}`;
  if (between < 60) return time;
  return time === "00:00:00" ? day.slice(-5) : time.slice(0, 5);
}
// How rarely a score is reached: 1 in so many.
export function rarity(surprise) {
  if (surprise == null) return NONE;
  const many = 1 / Math.max(1 - surprise, 1e-6);
  return many >= 1e6 ? "1 in 1M+" : many < 1.95 ? "usual" : `1 in ${many < 9.5 ? many.toFixed(0) : many < 1e4 ? Number(many.toPrecision(2)).toLocaleString("en") : many.toLocaleString("en", {notation: "compact", maximumFractionDigits: 0})}`;
}
