// What forecasts rest on, and the gates of the LSTM.
import {$, NONE, make, percent, shape, write} from "./format.js";

const SILENT = .0005; // a weight that is none
const KEPT = 300; // gates remembered, one a second
const GATES = ["forget", "input", "output"];
const past = [];

export function showExperts(experts, share) {
  write($("share"), share == null ? "not known yet" : `${Math.round(100 * share)} % on the LSTM`);
  const sorted = [...experts].sort((a, b) => b.needs_lstm - a.needs_lstm || b.weight - a.weight);
  if ($("experts").children.length !== sorted.length) {
    $("stack").replaceChildren(...sorted.map(() => make("i")));
    $("experts").replaceChildren(...sorted.map(() => {
      const row = make("li");
      row.append(make("i"), make("span"), make("b"));
      return row;
    }));
  }
  sorted.forEach((one, index) => {
    const part = $("stack").children[index], row = $("experts").children[index];
    const name = one.expert.replaceAll("_", " ").replace("lstm", "LSTM"), silent = one.weight < SILENT;
    part.style.width = `${100 * one.weight}%`;
    part.title = `${name} ${percent(one.weight)} %`;
    part.style.background = row.children[0].style.background = colour(one, sorted);
    write(row.children[1], name);
    write(row.children[2], `${(100 * one.weight).toFixed(1)} %`);
    part.hidden = silent;
    row.className = silent ? "silent" : "";
  });
  $("stack").setAttribute("aria-label", `Weights of the experts: ${sorted.filter(one => one.weight >= SILENT).map(one => `${one.expert.replaceAll("_", " ")} ${percent(one.weight)} %`).join(", ") || "not known yet"}`);
}
// One colour for what needs the LSTM, another for the rest; neighbours differ in how much of it they take.
function colour(one, experts) {
  const alike = experts.filter(other => other.needs_lstm === one.needs_lstm), place = alike.indexOf(one);
  const part = one.needs_lstm ? 100 - 62 * place / Math.max(1, alike.length - 1) : [78, 42, 60, 26][place % 4];
  return `color-mix(in srgb, var(${one.needs_lstm ? "--accent" : "--rest"}) ${part}%, var(--card))`;
}

export function showGates(gates) {
  if (gates) past.push(gates);
  if (past.length > KEPT) past.shift();
  if (!$("gates").children.length) $("gates").append(...GATES.map(name => {
    const row = make("div", undefined, `gate ${name}`), svg = shape("svg", {viewBox: "0 0 100 26", preserveAspectRatio: "none", "aria-hidden": "true"});
    svg.append(shape("path", {d: ""}));
    row.append(make("span", name), svg, make("b"));
    return row;
  }));
  GATES.forEach((name, index) => {
    const row = $("gates").children[index], points = past.map(one => one[name]);
    write(row.querySelector("b"), gates ? gates[name].toFixed(2) : NONE);
    const drawn = points.length === 1 ? [points[0], points[0]] : points;
    row.querySelector("path").setAttribute("d", drawn.map((open, at) => `${at ? "L" : "M"}${(100 * at / (drawn.length - 1)).toFixed(1)},${(24 - 22 * open).toFixed(1)}`).join(""));
  });
}
