// How the daemon stands: tiles, partitions, workers, what is lost.
import {$, NONE, brief, compact, make, number, percent, span, whole, write} from "./format.js";

export const OLD = 3; // seconds from which on the age of what is shown is told
const MOST_LOSSES = 10; // lines
const STATES = {catching_up: "catching up"};
export const nameOf = state => STATES[state] ?? state;

export function showDaemon(status, severalTopics) {
  const place = one => severalTopics ? `${one.topic}/${one.partition}` : whole(one.partition);
  showHead(status);
  showTiles(status);
  showLosses(status.partitions, one => severalTopics ? place(one) : `Partition ${place(one)}`);
  showPartitions(status.partitions, place);
  showWorkers(status.workers);
}

function showHead(status) {
  write($("state"), nameOf(status.state));
  $("state").className = status.state;
  const old = status.age > OLD ? `numbers are ${span(Math.round(status.age))} old${status.doing ? `, the worker is at: ${status.doing}` : ""}` : "";
  write($("message"), [status.message, old].filter(Boolean).join(" · "));
  const up = Math.max(0, Date.now() / 1000 - status.started);
  write($("who"), `group ${status.group} · instance ${status.instance}${crew(status.workers)} · up ${span(Math.floor(up))} · ${status.version}${network(status)}`);
  document.title = status.state === "ready" ? "lstm-stream" : `${nameOf(status.state)} · lstm-stream`;
}
// Which pretrained network has a say; nothing where there is none.
function network(status) {
  return status.weights ? ` · weights ${status.weights} (${status.weights_digest.slice(0, 8)})` : "";
}
// How many workers these are the numbers of, and how many of them are up; nothing where there is only one.
function crew(workers) {
  if (!workers.length) return "";
  const up = workers.filter(one => one.state !== "starting" && one.state !== "restarting").length;
  return ` · ${up < workers.length ? `${up} of ` : ""}${workers.length} workers`;
}

function showTiles(status) {
  const known = status.partitions.filter(one => one.lag != null), timed = status.partitions.filter(one => one.lag_seconds != null);
  const lag = known.length ? known.reduce((sum, one) => sum + one.lag, 0) : null;
  const behind = timed.length ? Math.max(...timed.map(one => one.lag_seconds)) : null;
  const series = status.partitions.reduce((sum, one) => sum + one.series, 0), rate = status.events_per_second;
  fillTiles([
    ["Throughput", rate < 100 ? number(Math.round(rate * 10) / 10) : compact(rate), "events/s", `${compact(status.observations)} observations`],
    ["Lag", known.length && known.length < status.partitions.length ? `≥ ${compact(lag)}` : compact(lag), lag === 1 ? "record" : "records", behind == null ? `${compact(series)} series carried` : `${span(behind)} behind · ${compact(series)} series`],
    ["Forecasts", compact(status.forecasts), "", status.superseded ? `${compact(status.superseded)} superseded` : "committed"],
    ["Dead letters", compact(status.dead_letters), "", `${compact(status.late)} late · ${compact(status.repeated)} repeated` + (status.skipped ? ` · ${compact(status.skipped)} skipped` : "")],
    ["Skill", percent(status.skill), "%", "less error than last value"],
    ["Scaled error, one step", brief(status.mae_model), "", `last value has ${brief(status.mae_last_value)}`]]);
}
// A tile is its name, a figure with its unit, and a note.
function fillTiles(tiles) {
  if (!$("tiles").children.length) $("tiles").append(...tiles.map(([name]) => {
    const tile = make("div", undefined, "card tile"), figure = make("div", undefined, "number");
    figure.append(make("span"), make("span", undefined, "unit"));
    tile.append(make("div", name, "name"), figure, make("div", undefined, "more"));
    return tile;
  }));
  tiles.forEach(([, figure, unit, more], index) => {
    const [, number, note] = $("tiles").children[index].children;
    write(number.children[0], figure);
    write(number.children[1], figure === NONE ? "" : unit);
    write(note, more);
  });
}

function showLosses(partitions, called) {
  const losses = partitions.flatMap(one => Object.values(one.losses).map(loss => `${called(one)}: ${loss}`)).slice(0, MOST_LOSSES);
  $("losses").hidden = !losses.length;
  $("losses").replaceChildren(...losses.map(loss => make("li", loss)));
}
function showPartitions(partitions, place) {
  fillRows($("partitions"), partitions.map(one => [
    place(one), whole(one.next_offset), whole(one.end_offset), whole(one.lag), one.lag_seconds == null ? NONE : span(one.lag_seconds),
    whole(one.series), whole(one.learning_steps), whole(one.drifts)]), 8);
}
function showWorkers(workers) {
  $("crew").hidden = !workers.length;
  fillRows($("workers"), workers.map(one => [
    whole(one.number), one.pid ? String(one.pid) : NONE, nameOf(one.state), whole(one.partitions),
    number(Math.round(one.events_per_second * 10) / 10), whole(one.restarts)]), 6);
}
function fillRows(body, rows, width) {
  if (!rows.length) {
    const row = make("tr"), cell = make("td", "none yet");
    cell.colSpan = width;
    row.append(cell);
    return body.replaceChildren(row);
  }
  if (body.children.length !== rows.length || body.firstChild.children.length !== width) body.replaceChildren(...rows.map(cells => {
    const row = make("tr");
    row.append(...cells.map(() => make("td")));
    return row;
  }));
  rows.forEach((cells, index) => cells.forEach((text, at) => write(body.children[index].children[at], text)));
}
