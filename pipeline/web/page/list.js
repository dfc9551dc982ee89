// The list of series: searched, sorted and cut into pages by the daemon; only the rows that are shown have sparklines.
import {$, NONE, make, percent, rarity, shape, whole, write} from "./format.js";

export const PAGE = 50;
const FIRST = {name: false, last_time: true, skill: false, surprise: true}; // descending at the first click
const RARE = .99;

export class List {
  // `changed` is called when another part of the list is wanted, `choose` with a name and its shard.
  constructor(changed, choose) {
    this.sort = "surprise";
    this.descending = true;
    this.offset = 0;
    this.shown = null; // the last answer
    this.held = []; // rows in the order in which they stand
    this.chosen = {name: null, at: null};
    this.severalPlaces = false;
    this.changed = changed;
    this.choose = choose;
    this.body = document.querySelector("#rows tbody");
    this.listen();
  }

  listen() {
    let typing;
    $("search").oninput = () => { clearTimeout(typing); typing = setTimeout(() => this.turn(0), 200); };
    $("search").onkeydown = event => {
      if (event.key === "ArrowDown" || event.key === "Enter") this.body.querySelector("button")?.[event.key === "Enter" ? "click" : "focus"]();
    };
    for (const button of document.querySelectorAll("#rows th button")) button.onclick = () => this.order(button.dataset.sort);
    $("before").onclick = () => this.turn(this.offset - PAGE);
    $("after").onclick = () => this.turn(this.offset + PAGE);
    this.body.onkeydown = event => this.walk(event);
    this.mark();
  }

  query() {
    return {search: $("search").value, sort: this.sort, descending: this.descending, offset: this.offset, limit: PAGE};
  }
  turn(offset) {
    this.offset = Math.max(0, offset);
    this.held = [];
    $("rows").scrollTop = 0;
    this.changed();
  }
  order(sort) {
    this.descending = sort === this.sort ? !this.descending : FIRST[sort];
    this.sort = sort;
    this.mark();
    this.turn(0);
  }
  mark() {
    for (const button of document.querySelectorAll("#rows th button")) {
      const is = button.dataset.sort === this.sort;
      if (is) button.parentElement.setAttribute("aria-sort", this.descending ? "descending" : "ascending");
      else button.parentElement.removeAttribute("aria-sort");
    }
  }
  // Arrow keys go from row to row.
  walk(event) {
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = [...this.body.querySelectorAll("button")], next = buttons[buttons.indexOf(document.activeElement) + step];
    if (next) next.focus(); else if (step < 0) $("search").focus();
  }
  // Rows keep their places while someone points at one or has the focus in one: else it moves from under the hand.
  isHeld() {
    return this.body.matches(":hover") || this.body.contains(document.activeElement);
  }

  show(answer, state) {
    this.shown = answer;
    const rows = this.isHeld() ? this.inPlace(answer.rows) : answer.rows;
    this.held = rows;
    while (this.body.children.length > rows.length) this.body.lastChild.remove();
    while (this.body.children.length < rows.length) this.body.append(this.row());
    rows.forEach((row, index) => this.fill(this.body.children[index], row));
    this.tell(answer, state);
    this.point();
  }
  inPlace(rows) {
    if (!this.held.length) return rows;
    const fresh = new Map(rows.map(row => [key(row), row]));
    return this.held.map(row => fresh.get(key(row)) ?? row);
  }
  row() {
    const row = make("tr"), name = make("td"), button = make("button"), spark = make("td", undefined, "spark");
    button.type = "button";
    name.append(button);
    const svg = shape("svg", {viewBox: "0 0 88 22", preserveAspectRatio: "none", "aria-hidden": "true"});
    svg.append(shape("path", {d: ""}));
    spark.append(svg);
    const far = make("td");
    far.append(make("span"));
    row.append(name, spark, make("td"), far);
    row.onclick = () => this.choose(row.dataset.name, row.dataset.at);
    return row;
  }
  fill(element, row) {
    const at = `${row.topic}/${row.partition}`, [name, spark, error, far] = element.children;
    element.dataset.name = row.series;
    element.dataset.at = at;
    write(name.firstChild, row.series || "(no name)");
    name.firstChild.title = this.severalPlaces ? `${row.series} · ${at}` : row.series;
    const d = sparkline(row.values);
    if (d) spark.firstChild.firstChild.setAttribute("d", d);
    else if (spark.dataset.of !== key(row)) spark.firstChild.firstChild.setAttribute("d", "");
    spark.dataset.of = key(row);
    write(error, row.skill == null ? NONE : `${Math.abs(row.skill) < 5e-4 ? "" : row.skill > 0 ? "−" : "+"}${percent(Math.abs(row.skill))} %`);
    if (row.skill < -9.99) write(error, "> +999 %");
    error.className = row.skill == null ? "" : row.skill > .005 ? "less" : row.skill < -.005 ? "worse" : "";
    write(far.firstChild, rarity(row.recent_surprise));
    far.firstChild.className = row.recent_surprise >= RARE ? "rare" : "";
    far.title = row.recent_surprise == null ? "warming" : `largest of the last scores ${row.recent_surprise.toFixed(4)}, last ${row.surprise?.toFixed(4) ?? NONE}`;
  }
  tell(answer, state) {
    const first = answer.rows.length ? this.offset + 1 : 0, last = this.offset + answer.rows.length;
    write($("found"), answer.total ? `${whole(first)}–${whole(last)} of ${whole(answer.total)} series` : "");
    $("before").disabled = this.offset === 0;
    $("after").disabled = last >= answer.total;
    $("empty").hidden = answer.rows.length > 0;
    write($("empty"), answer.rows.length ? "" : this.why(answer, state));
  }
  why(answer, state) {
    if (answer.total) return "No series on this page of the list: go back";
    if (answer.age === null) return state === "connecting" || state === "assigning" ? "No series: this process holds no partition at the moment" : "The worker is busy: its series are shown when it comes by";
    return $("search").value ? "No series of such a name" : state === "ready" ? "No series yet: one appears with its first event" : "No series seen yet: the worker is busy with its first events";
  }
  // Which row is chosen.
  point() {
    for (const row of this.body.children) {
      const is = row.dataset.name === this.chosen.name && (this.chosen.at === null || row.dataset.at === this.chosen.at);
      row.classList.toggle("chosen", is);
      row.querySelector("button").setAttribute("aria-current", is);
    }
  }
}

const key = row => JSON.stringify([row.series, row.topic, row.partition]);

function sparkline(values) {
  const known = values.filter(value => value != null);
  if (known.length < 2) return "";
  const low = Math.min(...known), reach = Math.max(...known) - low;
  let pen = "M";
  return values.map((value, index) => {
    if (value == null) { pen = "M"; return ""; }
    const part = `${pen}${(index / (values.length - 1) * 88).toFixed(1)},${(reach > 0 ? 20 - (value - low) / reach * 18 : 11).toFixed(1)}`;
    pen = "L";
    return part;
  }).join("");
}
