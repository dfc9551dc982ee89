// What the page asks for, and who shows the answers. All comes by one stream of server-sent events, which is opened anew
// when something else is wanted, and closed while nobody looks.
import {Chart} from "./chart.js";
import {OLD, showDaemon} from "./daemon.js";
import {$, make, number, moment, percent, rarity, span, whole, write, zone} from "./format.js";
import {List} from "./list.js";
import {showExperts, showGates} from "./model.js";

const SILENCE = 4000; // milliseconds without an answer after which the daemon is said to be away
const AGAIN = 3000; // milliseconds until a stream that was refused is asked for again
const OF_SERIES = ["kind", "surprise", "facts", "ahead"]; // texts about the series that is shown
const chosen = {name: null, at: null, horizon: 1, shown: null};
let source = null, lastAnswer = Date.now(), status = null, retry, waiting;

const chart = new Chart();
const list = new List(() => connect(), (name, at) => choose(name, at));

// ---- the stream ----------------------------------------------------------------------------------------------
function connect() {
  source?.close();
  clearTimeout(retry);
  if (document.hidden) return;
  const query = new URLSearchParams(Object.entries(list.query()));
  if (chosen.name !== null) query.set("series", chosen.name);
  if (chosen.name !== null && chosen.at !== null) query.set("at", chosen.at);
  query.set("horizon", chosen.horizon);
  const opened = source = new EventSource(`api/stream?${query}`);
  const on = (kind, act) => opened.addEventListener(kind, event => {
    if (opened !== source) return;
    lastAnswer = Date.now();
    act(JSON.parse(event.data));
  });
  on("status", showStatus);
  on("list", showList);
  on("series", showSeries);
  on("busy", () => { if (!chosen.shown) chart.say("The worker is busy: it shows the series when it comes by"); });
  on("missing", () => showMissing());
  opened.onerror = () => { if (opened === source && opened.readyState === EventSource.CLOSED) refused(); };
}
// The stream gives no reason: ask for one.
async function refused() {
  let reason = "";
  try {
    const answer = await fetch(`api/stream?limit=0`, {cache: "no-store", headers: {Accept: "text/event-stream"}, signal: AbortSignal.timeout(3000)});
    if (answer.status === 401 || answer.status === 403) return void location.assign("login");
    if (!answer.ok) reason = (await answer.json()).error ?? "";
    else answer.body?.cancel();
  } catch { /* it is not there: the banner says so */ }
  if (reason) away(reason);
  retry = setTimeout(connect, AGAIN);
}
function away(reason) {
  document.body.classList.add("away");
  write($("state"), "not reachable");
  $("state").className = "away";
  write($("message"), "");
  $("away").hidden = false;
  write($("away"), reason || `The daemon has not answered for ${span(Math.round((Date.now() - lastAnswer) / 1000))}. Numbers below are from then; the page goes on asking.`);
}
setInterval(() => { if (!document.hidden && Date.now() - lastAnswer > SILENCE) away(""); }, 1000);
document.addEventListener("visibilitychange", () => {
  lastAnswer = Date.now();
  connect();
});

// ---- the answers ---------------------------------------------------------------------------------------------
function showStatus(told) {
  status = told;
  document.body.classList.remove("away");
  $("away").hidden = true;
  list.severalPlaces = new Set(told.partitions.map(one => one.topic)).size > 1;
  showDaemon(told, list.severalPlaces);
  showGates(told.gates);
  if (!chosen.shown) showExperts(told.experts, told.lstm_share);
}
function showList(answer) {
  list.show(answer, status?.state);
  if (chosen.name === null && answer.rows.length) choose(answer.rows[0].series, `${answer.rows[0].topic}/${answer.rows[0].partition}`, false);
  else if (chosen.name === null) chart.say($("empty").textContent);
}
function showSeries(one) {
  if (one.series !== chosen.name) return;
  chosen.shown = one;
  write($("name"), one.series || "(no name)");
  $("name").title = one.series;
  write($("kind"), one.status === "ok" ? "" : one.status);
  $("kind").className = `tag ${one.status}`;
  write($("surprise"), one.surprise >= .99 ? `anomaly, ${rarity(one.surprise)}` : "");
  $("surprise").className = "tag far";
  write($("facts"), facts(one).join(" · "));
  $("elsewhere").replaceChildren(...one.elsewhere.map(other => {
    const button = make("button", `also in ${other}`);
    button.type = "button";
    button.onclick = () => choose(one.series, other);
    return button;
  }));
  $("horizon").max = Math.max(1, one.mean.length);
  if (chosen.horizon > one.mean.length && one.mean.length) setHorizon(one.mean.length);
  chart.show(one);
  showExperts(one.experts, one.lstm_share);
}
function facts(one) {
  const step = one.step_seconds ?? 1;
  return [
    `last value ${number(one.last_value)} at ${moment(one.last_time / 1e6, step)} (${zone})`,
    one.step_seconds == null ? "one event is one step" : `a step is ${span(one.step_seconds)}`,
    `${whole(one.observations)} steps`,
    one.mae_model == null ? "error not known yet" : `mean error ${number(Number(one.mae_model.toPrecision(3)))}, last value has ${number(Number(one.mae_last_value.toPrecision(3)))} (${one.skill >= 0 ? "−" : "+"}${percent(Math.abs(one.skill))} %)`,
    list.severalPlaces ? `${one.topic}/${one.partition}` : `partition ${one.partition}`,
    one.age > OLD ? `seen ${span(Math.round(one.age))} ago` : ""].filter(Boolean);
}
function showMissing() {
  chosen.shown = null;
  chart.clear();
  write($("name"), chosen.name ?? "");
  for (const id of OF_SERIES) write($(id), "");
  chart.say(status?.state === "ready" ? "This process does not hold the series (any more)" : "This process does not hold the series (yet): it is not caught up");
}

// ---- what is wanted ------------------------------------------------------------------------------------------
function choose(name, at = null, byHand = true) {
  if (name === chosen.name && at === chosen.at) return;
  Object.assign(chosen, {name, at, shown: null});
  chart.clear();
  chart.horizon = chosen.horizon;
  chart.say("Loading");
  write($("name"), name || "(no name)");
  for (const id of OF_SERIES) write($(id), "");
  $("elsewhere").replaceChildren();
  Object.assign(list.chosen, {name, at});
  list.point();
  if (byHand) history.replaceState(null, "", `#${encodeURIComponent(name)}`);
  connect();
}
function setHorizon(horizon) {
  chosen.horizon = horizon;
  $("horizon").value = horizon;
  chart.setHorizon(horizon);
  clearTimeout(waiting);
  waiting = setTimeout(connect, 250);
}
function fromAddress() {
  try {
    const name = decodeURIComponent(location.hash.slice(1));
    if (name && name !== "chart") choose(name);
  } catch { /* a hash that is no name */ }
}
$("horizon").oninput = () => setHorizon(Number($("horizon").value));
$("skip").onclick = event => { event.preventDefault(); $("chart").focus(); };
window.onhashchange = fromAddress;
fromAddress();
if (chosen.name === null) connect();
