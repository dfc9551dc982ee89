// The chart of one series: what came, the forecast with its intervals, the forecasts made before, anomalies, changes;
// below it the gates over the same time.
import {$, moment, number, rarity, span, tick, write} from "./format.js";

const MOST = 3000; // values that the page remembers of a series
const SHOWN_AT_FIRST = 240;
const PADDING = [10, 14, 0, 0]; // left and right the same in both charts: their times stand below each other
const WAS_LOW = 1, WAS_HIGH = 2, WAS = 3, FAN = 4; // columns of the chart; after the fan of quantiles: mean, value, anomaly
const uPlot = window.uPlot;
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const seconds = micros => micros / 1e6;

export class Chart {
  constructor() {
    this.clear();
    new ResizeObserver(() => this.resize()).observe($("chart"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.build());
    for (const button of document.querySelectorAll("#zoom button")) button.onclick = () => this.zoomBy(button.dataset.zoom);
    $("chart").onkeydown = event => this.key(event);
    $("chart").onblur = () => this.leave();
  }

  clear() {
    this.destroy();
    this.came = new Map(); // seconds -> value
    this.before = new Map(); // seconds -> {mean, low, high}
    this.horizon = 1;
    this.one = null;
    this.zoom = null; // [from, to] in seconds
    this.at = null; // where the keyboard is
  }
  setHorizon(horizon) {
    this.horizon = horizon;
    this.before.clear();
    if (this.one) this.draw();
  }
  say(text) {
    $("nothing").hidden = !text;
    write($("nothing"), text ?? "");
  }
  show(one) {
    this.say(null);
    const levels = Object.keys(one.quantiles).length;
    const rebuild = !this.plot || this.one === null || this.levels !== levels;
    this.levels = levels;
    this.one = one;
    this.remember(one);
    if (rebuild) this.build(); else this.draw();
  }

  // What came, and what was forecast of it, further back than the daemon tells.
  remember(one) {
    const times = one.recent_times.map(seconds), newest = Math.max(...this.came.keys());
    const anew = this.came.size && !times.includes(newest); // a gap, or another beginning
    if (anew || one.step_seconds !== this.step) { this.came.clear(); this.before.clear(); } // until a step is known, times before the last are not
    this.step = one.step_seconds;
    times.forEach((time, index) => this.came.set(time, one.recent_values[index]));
    const earlier = one.earlier;
    if (earlier?.horizon === this.horizon) earlier.times.forEach((time, index) => this.before.set(seconds(time), {mean: earlier.mean[index], low: earlier.low[index], high: earlier.high[index]}));
    for (const known of [this.came, this.before]) for (const time of [...known.keys()].slice(0, Math.max(0, known.size - MOST))) known.delete(time);
  }

  // Columns over the union of all times: undefined where a line has nothing to say, null where it has a gap.
  columns() {
    const one = this.one, came = [...this.came.keys()].sort((a, b) => a - b);
    const origin = seconds(one.origin), first = came[0] ?? origin, step = one.step_seconds ?? usualStep(came);
    const levels = Object.keys(one.quantiles).sort((a, b) => a - b);
    const ahead = one.mean.map((_, index) => origin + (index + 1) * step);
    const earlier = [...this.before.keys()].filter(time => time > first - step / 2 && time <= origin + this.horizon * step).sort((a, b) => a - b);
    const x = [...new Set([...came, ...earlier, ...ahead])].sort((a, b) => a - b);
    const place = new Map(x.map((time, index) => [time, index]));
    const column = () => new Array(x.length).fill(undefined);
    const value = column(), far = column(), was = column(), wasLow = column(), wasHigh = column(), mean = column();
    const fan = levels.map(column);
    for (const time of came) value[place.get(time)] = this.came.get(time);
    for (const anomaly of one.anomalies) {
      const index = place.get(seconds(anomaly.time));
      if (index !== undefined) far[index] = value[index] ?? null;
    }
    earlier.forEach(time => {
      const index = place.get(time), told = this.before.get(time);
      if (time <= origin) [was[index], wasLow[index], wasHigh[index]] = [told.mean, told.low, told.high];
    });
    const now = place.get(origin), last = this.came.get(origin);
    if (now !== undefined && last != null && one.mean.length) { mean[now] = last; fan.forEach(line => { line[now] = last; }); }
    ahead.forEach((time, index) => {
      mean[place.get(time)] = one.mean[index];
      levels.forEach((level, k) => { fan[k][place.get(time)] = one.quantiles[level][index]; });
    });
    this.told = {x, origin, step, ahead, levels, first: came[Math.max(0, came.length - SHOWN_AT_FIRST)] ?? origin};
    return [x, wasLow, wasHigh, was, ...fan, mean, value, far];
  }

  destroy() {
    this.plot?.destroy();
    this.gates?.destroy();
    this.plot = this.gates = null;
    $("tip").hidden = true;
  }
  build() {
    this.destroy();
    if (!this.one) return;
    const data = this.columns(), levels = this.told.levels;
    this.plot = new uPlot(this.chartOptions(levels.length), data, $("plot"));
    this.plot.over.addEventListener("dblclick", () => this.zoomBy("all"));
    this.plot.over.addEventListener("mouseleave", () => { $("tip").hidden = true; });
    this.gates = new uPlot(this.gateOptions(), this.gateColumns(), $("gateplot"));
    this.describe();
  }
  chartOptions(levels) {
    const hidden = {stroke: "transparent", width: 0, points: {show: false}};
    const bands = [{series: [WAS_HIGH, WAS_LOW], fill: css("--was")}];
    for (let k = 0; k < Math.floor(levels / 2); k++) bands.push({series: [FAN + levels - 1 - k, FAN + k], fill: css("--band")});
    return {
      ...this.size($("chart")), padding: PADDING, legend: {show: false}, bands,
      scales: {x: {time: true, range: () => this.range()}, y: {range: spread}},
      axes: [axis({values: (_, splits, __, ___, between) => splits.map(one => tick(one, between)), space: 84, size: 28}), axis({values: (_, splits) => splits.map(number), size: (_, values) => 18 + 7 * Math.max(2, ...(values ?? []).map(text => text.length))})],
      cursor: {y: false, drag: {x: true, y: false, setScale: false}, sync: {key: "time"}, points: {size: 7}},
      series: [
        {}, hidden, hidden, line(css("--accent"), 1.2, {dash: [4, 3]}), ...new Array(levels).fill(hidden), line(css("--accent"), 2.2), line(css("--ink"), 1.7),
        {stroke: css("--bad"), paths: () => null, points: {show: true, size: 11, width: 2, fill: "transparent", stroke: css("--bad")}}],
      hooks: {setCursor: [plot => this.tip(plot)], draw: [plot => this.marks(plot)], setSelect: [plot => this.select(plot)]},
    };
  }
  gateOptions() {
    return {
      ...this.size($("gateplot")), padding: [8, PADDING[1], 8, PADDING[3]], legend: {show: false},
      scales: {x: {time: true, range: () => this.range()}, y: {range: [0, 1]}},
      axes: [{show: false}, axis({values: (_, splits) => splits.map(number), splits: () => [0, .5, 1], size: () => this.plot?.axes[1]._size ?? 60})],
      cursor: {y: false, drag: {x: false, y: false, setScale: false}, sync: {key: "time"}, points: {size: 6}},
      series: [{}, line(css("--accent"), 1.6), line(css("--g-input"), 1.6), line(css("--g-output"), 1.6)],
    };
  }
  draw() {
    if (!this.plot) return;
    this.plot.setData(this.columns());
    this.gates.setData(this.gateColumns());
    if (this.at !== null) this.point(this.at);
    this.describe();
  }
  gateColumns() {
    const gates = this.one.gates;
    return gates ? [gates.times.map(seconds), gates.forget, gates.input, gates.output] : [[], [], [], []];
  }
  size(element) { return {width: Math.max(120, element.clientWidth), height: Math.max(80, element.clientHeight)}; }
  resize() {
    this.plot?.setSize(this.size($("chart")));
    this.gates?.setSize(this.size($("gateplot")));
  }
  range() {
    if (this.zoom) return this.zoom;
    const {x, first, step} = this.told, last = x.at(-1) ?? first;
    return last > first ? [first, last] : [first - step, last + step];
  }

  select(plot) {
    if (plot.select.width < 8) return;
    this.zoomTo(plot.posToVal(plot.select.left, "x"), plot.posToVal(plot.select.left + plot.select.width, "x"));
    plot.setSelect({left: 0, width: 0, top: 0, height: 0}, false);
  }
  zoomTo(from, to) {
    this.zoom = to - from > this.told.step ? [from, to] : this.zoom;
    if (this.plot) this.draw();
  }
  zoomBy(how) {
    if (!this.plot) return;
    const [from, to] = this.range(), x = this.told.x;
    if (how === "all") this.zoom = [x[0], Math.max(x.at(-1), x[0] + this.told.step)];
    if (how === "all" && x[0] >= this.told.first) this.zoom = null;
    const middle = (from + to) / 2, part = (to - from) / (how === "in" ? 4 : 1);
    if (how === "in" || how === "out") return this.zoomTo(Math.max(middle - part, x[0]), Math.min(middle + part, x.at(-1)));
    this.draw();
  }
  pan(steps) {
    const [from, to] = this.range(), by = steps * (to - from) / 8, x = this.told.x;
    if (from + by >= x[0] && to + by <= x.at(-1)) { this.zoom = [from + by, to + by]; this.draw(); }
  }
  key(event) {
    if (!this.plot) return;
    const step = {ArrowLeft: -1, ArrowRight: 1}[event.key], how = {"+": "in", "=": "in", "-": "out", "0": "all"}[event.key];
    if (step && event.shiftKey) this.pan(step);
    else if (step) this.point(this.at === null ? this.told.origin : this.told.x[clamp(this.told.x.indexOf(this.at) + step, 0, this.told.x.length - 1)]);
    else if (how) this.zoomBy(how);
    else if (event.key === "Escape") { this.zoom = null; this.leave(); this.draw(); }
    else return;
    event.preventDefault();
  }
  point(time) {
    this.at = time;
    this.plot.setCursor({left: this.plot.valToPos(time, "x"), top: 10});
  }

  leave() {
    this.at = null;
    this.plot?.setCursor({left: -10, top: -10});
    $("tip").hidden = true;
  }

  // Vertical lines: now, the horizon, and what changed.
  marks(plot) {
    const {ctx, bbox} = plot, ratio = uPlot.pxRatio, told = this.told;
    const vertical = (time, colour, dash, text) => {
      const x = Math.round(plot.valToPos(time, "x", true));
      if (!(x >= bbox.left && x <= bbox.left + bbox.width)) return;
      ctx.save();
      ctx.strokeStyle = ctx.fillStyle = colour;
      ctx.setLineDash(dash.map(part => part * ratio));
      ctx.lineWidth = 1.2 * ratio;
      ctx.beginPath(); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
      ctx.font = `${11 * ratio}px system-ui, sans-serif`;
      const right = x + (ctx.measureText(text).width + 8 * ratio) < bbox.left + bbox.width;
      ctx.textAlign = right ? "left" : "right";
      ctx.fillText(text, x + (right ? 4 : -4) * ratio, bbox.top + 10 * ratio);
      ctx.restore();
    };
    vertical(told.origin, css("--faint"), [3, 4], "");
    const target = told.ahead[this.horizon - 1];
    if (target !== undefined && this.horizon > 1) vertical(target, css("--accent"), [2, 4], "");
    for (const change of this.one.changes) vertical(seconds(change.time), css(change.kind === "drift" ? "--busy" : "--bad"), [5, 4], change.kind);
  }
  tip(plot) {
    const index = plot.cursor.idx, tip = $("tip");
    if (index == null || plot.cursor.left < 0) { tip.hidden = true; return; }
    tip.textContent = this.lines(plot.data, index).join("\n");
    tip.hidden = false;
    const left = plot.valToPos(plot.data[0][index], "x") + plot.bbox.left / uPlot.pxRatio;
    const right = left + 14 + tip.offsetWidth < $("chart").clientWidth;
    tip.style.left = `${right ? left + 14 : Math.max(0, left - 14 - tip.offsetWidth)}px`;
  }
  lines(data, index) {
    const told = this.told, time = data[0][index], mean = FAN + told.levels.length, lines = [moment(time, told.step)];
    const between = (low, high) => low != null && high != null ? [`interval  ${number(low)} to ${number(high)}`] : [];
    if (time <= told.origin) {
      if (data[mean + 1][index] !== undefined) lines.push(`came      ${data[mean + 1][index] == null ? "missing" : number(data[mean + 1][index])}`);
      const anomaly = this.one.anomalies.find(one => seconds(one.time) === time);
      if (anomaly) lines.push(`anomaly   ${rarity(anomaly.surprise)}`);
      if (data[WAS][index] != null) lines.push(`${this.horizon} before  ${number(data[WAS][index])}`, ...between(data[WAS_LOW][index], data[WAS_HIGH][index]));
    } else {
      lines.push(`forecast  ${number(data[mean][index])}`, ...between(data[FAN][index], told.levels.length ? data[mean - 1][index] : null));
    }
    for (const change of this.one.changes) if (Math.abs(seconds(change.time) - time) < told.step / 2) lines.push(change.kind);
    return lines;
  }

  // In words: for the line by the slider, and for who cannot see the chart.
  describe() {
    const one = this.one, told = this.told, h = Math.min(this.horizon, one.mean.length) - 1;
    const [low, high] = [told.levels[0], told.levels.at(-1)];
    const said = h < 0 ? "no forecast yet" : `${number(one.mean[h])}` + (told.levels.length > 1 ? ` (${number(one.quantiles[low][h])} to ${number(one.quantiles[high][h])})` : "");
    const when = h < 0 ? "" : ` at ${moment(told.ahead[h], told.step)}`;
    write($("ahead"), `${this.horizon} ${this.horizon === 1 ? "step" : "steps"}${one.step_seconds == null ? "" : `, ${span(this.horizon * one.step_seconds)}`} ahead: ${said}`);
    write($("levels"), told.levels.length > 1 ? `${Math.round(1000 * (high - low)) / 10} % interval` : "interval");
    write($("was"), `forecast ${this.horizon} ${this.horizon === 1 ? "step" : "steps"} before${this.before.size ? "" : " (kept from now on)"}`);
    $("chart").setAttribute("aria-label", `${one.series}: last value ${number(one.last_value)} at ${moment(told.origin, told.step)}; forecast ${this.horizon} ahead${when}: ${said}; ${one.anomalies.length} anomalies and ${one.changes.length} changes shown. Arrow keys read values, plus and minus zoom.`);
    const gates = one.gates, last = gates && gates.times.length - 1;
    $("gateplot").setAttribute("aria-label", gates && last >= 0 ? `Gates now: forget ${gates.forget[last].toFixed(2)}, input ${gates.input[last].toFixed(2)}, output ${gates.output[last].toFixed(2)}` : "Gates over the last steps: not known yet");
  }
}

function line(stroke, width, more = {}) {
  return {stroke, width, points: {show: false}, ...more};
}
function axis(more) {
  return {stroke: () => css("--faint"), grid: {stroke: () => css("--line"), width: 1}, ticks: {show: false}, font: "11.5px system-ui, sans-serif", ...more};
}
function spread(_, low, high) {
  if (low == null || high == null) return [0, 1];
  const room = (high - low) * .06 || Math.abs(high) * .05 || 1;
  return [low - room, high + room];
}
function usualStep(times) {
  const gaps = times.slice(1).map((time, index) => time - times[index]).sort((a, b) => a - b);
  return gaps.length ? gaps[gaps.length >> 1] || 1 : 1;
}
const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
