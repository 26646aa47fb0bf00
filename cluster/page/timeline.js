// SPDX-License-Identifier: ISC
// The last hours: what each node heard, what each node and all missed, and what befell nodes, as three plots (uPlot) over one time
// axis. The same stands below them as a table, for those who do not see plots.

import uPlot from "./uPlot.esm.js";
import { Keyed, byId, el, setAttribute, setHidden, setText } from "./dom.js";
import { clock, count, duration, hourMinute, rate, short, tick } from "./text.js";

const TROUBLES = [[1, "down", "down"], [2, "kernel dropped", "kernel"], [4, "not written", "disk"]]; // bit, words, colour
const RANGES = [900, 3600, 10800, 43200, 86400];
const STEPS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400]; // of the axis: it shows no seconds
const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3]];
const COLOURS = 6; // --node-0 ... of style.css
const TABLE_ROWS = 36;
const LANE = 18;

let plots = [];
let made = ""; // for which nodes, in which colours
let latest = null;
let range = 0; // seconds up to now; 0: all there is
let zoom = null; // or a part of it, that stays
let pointed = null; // index of the step under the pointer
let limits = [0, 1];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const nodeColour = (i) => colour(`--node-${i % COLOURS}`);
const nodeDash = (i) => DASHES[Math.floor(i / COLOURS) % DASHES.length];

// The last step is still going on: it counts for the seconds that it has had, and not at all before there are a few of them.
function columns({ time, timeline }) {
	const { start, step, all, nodes } = timeline;
	const xs = all.map((_, i) => start + i * step);
	const last = all.length - 1;
	const had = Math.min(step, Math.max(0, time - (start + last * step)));
	const early = had < Math.min(5, step / 2);
	const seconds = (i) => (i < last ? step : had);
	const known = (v, i) => (v === null || (i === last && early) ? null : v);
	return {
		xs,
		heard: nodes.map((n) => n.heard.map((v, i) => (known(v, i) === null ? null : v / seconds(i)))),
		missing: nodes.map((n) => n.missing),
		all,
		trouble: nodes.map((n) => n.trouble.map((v) => v ?? 0)),
		last: early && last > 0 ? last - 1 : last,
	};
}

let data = null;

function grid() {
	return { stroke: colour("--grid"), width: 1 };
}

function axes(size, values, splits) {
	const text = colour("--quiet");
	const font = "12px system-ui, sans-serif";
	return [
		{ stroke: text, font, grid: grid(), ticks: { show: false }, size: values === null ? 8 : 26, space: 64, incrs: STEPS,
			values: values === null ? (u, at) => at.map(() => "") : (u, at) => at.map(hourMinute) },
		{ stroke: text, font, grid: grid(), ticks: { show: false }, size, gap: 6, ...splits },
	];
}

function common(width, height) {
	return {
		width, height, legend: { show: false },
		padding: [8, 18, 0, 0],
		cursor: {
			sync: { key: "flowbraid" }, y: false, points: { show: false },
			drag: { x: true, y: false, setScale: false },
			bind: { dblclick: () => () => setRange(0) },
		},
		select: { show: true, left: 0, top: 0, width: 0, height: 0 },
		hooks: {
			setCursor: [(u) => {
				const idx = u.cursor.left >= 0 ? u.cursor.idx : null;
				if (idx !== pointed) {
					pointed = idx;
					showKey();
				}
			}],
			setSelect: [(u) => {
				if (u.select.width < 4)
					return;
				zoom = [u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")];
				for (const p of plots)
					p.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
				for (const input of byId("ranges").querySelectorAll("input"))
					input.checked = false;
				draw();
			}],
		},
	};
}

const xScale = { time: true, range: () => limits };

function shorten(ctx, text, room) {
	if (ctx.measureText(text).width <= room)
		return text;
	while (text.length > 1 && ctx.measureText(`${text}…`).width > room)
		text = text.slice(0, -1);
	return `${text}…`;
}

// A lane for each node, with a block where something befell it: different in height as well as in colour.
function drawLanes(u) {
	const { ctx, bbox } = u;
	const ratio = devicePixelRatio;
	const names = latest.timeline.nodes;
	const height = bbox.height / names.length;
	ctx.save();
	ctx.font = `${12 * ratio}px system-ui, sans-serif`;
	ctx.textBaseline = "middle";
	ctx.textAlign = "right";
	names.forEach((n, lane) => {
		const middle = bbox.top + (lane + 0.5) * height;
		ctx.fillStyle = colour("--quiet");
		ctx.fillText(shorten(ctx, n.name, bbox.left - 8 * ratio), bbox.left - 6 * ratio, middle);
		ctx.fillStyle = colour("--grid");
		ctx.fillRect(bbox.left, middle - ratio, bbox.width, 2 * ratio);
	});
	ctx.beginPath();
	ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
	ctx.clip();
	const step = latest.timeline.step;
	names.forEach((n, lane) => {
		const middle = bbox.top + (lane + 0.5) * height;
		TROUBLES.forEach(([bit, , name], rank) => {
			const tall = height * [0.72, 0.5, 0.3][rank];
			ctx.fillStyle = colour(`--trouble-${name}`);
			let from = -1;
			const line = data.trouble[lane];
			for (let i = 0; i <= line.length; i++) {
				const on = i < line.length && (line[i] & bit) !== 0;
				if (on && from < 0)
					from = i;
				else if (!on && from >= 0) {
					const left = u.valToPos(data.xs[from], "x", true);
					const right = u.valToPos(data.xs[i - 1] + step, "x", true);
					ctx.fillRect(left, middle - tall / 2, Math.max(right - left, 3 * ratio), tall);
					from = -1;
				}
			}
		});
	});
	ctx.restore();
}

function destroy() {
	for (const p of plots)
		p.destroy();
	plots = [];
}

function make() {
	destroy();
	const nodes = latest.timeline.nodes;
	const width = byId("plot-heard").clientWidth;
	const narrow = width < 520;
	const longest = nodes.reduce((most, n) => Math.max(most, n.name.length), 0);
	const size = Math.max(54, Math.min(narrow ? 72 : 120, 14 + longest * 7));
	const stepped = uPlot.paths.stepped({ align: 1 });
	const bars = uPlot.paths.bars({ align: 1, size: [1, Infinity], gap: 0 });
	const series = (kind, i) => ({ label: nodes[i].name, stroke: nodeColour(i), dash: nodeDash(i), width: 1.5, points: { show: false }, ...kind });
	const rateAxis = { values: (u, at) => at.map(tick), filter: (u, at) => at };

	plots.push(new uPlot({
		...common(width, narrow ? 150 : 180), scales: { x: xScale, y: { range: (u, low, high) => [0, Math.max(1, high ?? 1) * 1.08] } },
		axes: axes(size, null, rateAxis), series: [{}, ...nodes.map((_, i) => series({}, i))],
	}, [data.xs, ...data.heard], byId("plot-heard")));

	// A node that was down and six datagrams that nobody heard are both to be seen: hence asinh, which is a logarithm that has a 0.
	plots.push(new uPlot({
		...common(width, narrow ? 130 : 150),
		scales: { x: xScale, y: { distr: 4, asinh: 1, range: (u, low, high) => [0, Math.max(10, (high ?? 0) * 1.5)] } },
		axes: axes(size, null, { ...rateAxis, splits: (u, axis, low, high) =>
			(high < 1e3 ? [0, 1, 10, 100] : [0, 10, 1e3, 1e5, 1e7, 1e9, 1e11]).filter((v) => v <= high) }),
		series: [{}, { label: "all", stroke: colour("--trouble-all"), fill: colour("--trouble-all"), width: 0, paths: bars, points: { show: false } },
			...nodes.map((_, i) => series({ paths: stepped }, i))],
	}, [data.xs, data.all, ...data.missing], byId("plot-missing")));

	const lanes = common(width, nodes.length * LANE + 34);
	lanes.hooks.draw = [drawLanes];
	plots.push(new uPlot({
		...lanes, scales: { x: xScale, y: { range: [0, 1] } },
		axes: axes(size, "times", { values: (u, at) => at.map(() => ""), grid: { show: false } }),
		series: [{}, { show: true, width: 0, points: { show: false }, paths: () => null }],
	}, [data.xs, data.xs.map(() => 0)], byId("plot-trouble")));
}

function windowOf(line) {
	const end = line.start + line.all.length * line.step;
	return zoom ?? [range > 0 ? Math.max(line.start, end - range) : line.start, end];
}

function draw() {
	limits = windowOf(latest.timeline);
	const wanted = JSON.stringify([latest.timeline.nodes.map((n) => n.name), colour("--ink")]);
	if (wanted !== made) {
		make();
		made = wanted;
	} else {
		const columnsOf = [[data.xs, ...data.heard], [data.xs, data.all, ...data.missing], [data.xs, data.xs.map(() => 0)]];
		plots.forEach((p, i) => p.batch(() => {
			p.setData(columnsOf[i], false);
			p.setScale("x", { min: limits[0], max: limits[1] });
		}));
	}
	showKey();
	describe();
	if (byId("timeline-details").open)
		showTable();
}

const keys = new Keyed(byId("key"), () => {
	const line = el("i", { class: "line", "aria-hidden": "true" });
	const name = el("strong");
	const values = el("span");
	return { node: el("li", {}, line, name, values), line, name, values };
}, (it, { name, values, at }) => {
	setText(it.name, name);
	setText(it.values, values);
	setAttribute(it.line, "data-line", at);
});

// Names of the lines, with what they come to under the pointer, else in the last step.
function showKey() {
	const at = pointed ?? data.last;
	const nodes = latest.timeline.nodes;
	setText(byId("moment"), pointed === null ? "now" : clock(data.xs[at]));
	keys.show([...nodes.map((n, i) => {
		const heard = data.heard[i][at];
		const what = TROUBLES.filter(([bit]) => (data.trouble[i][at] & bit) !== 0).map(([, words]) => words);
		return { name: n.name, at: `${i % COLOURS}-${Math.floor(i / COLOURS) % DASHES.length}`,
			values: [heard === null || heard === undefined ? "–" : rate(heard), `${some(data.missing[i][at])} missing`, ...what].join(", ") };
	}), { name: "by all", at: "all", values: `${some(data.all[at])} missing` }], (k) => `${k.at} ${k.name}`);
}

function inside() {
	const from = data.xs.findIndex((x) => x + latest.timeline.step > limits[0]);
	let to = data.xs.length;
	while (to > 0 && data.xs[to - 1] >= limits[1])
		to--;
	return [Math.max(0, from), to];
}

// What is null is not known, so it is not 0.
const sum = (list, from, to) => list.slice(from, to).reduce((total, v) => (v === null ? total : (total ?? 0) + v), null);
const some = (v) => (v === null || v === undefined ? "–" : count(v));

function troubleIn(i, from, to) {
	const bits = data.trouble[i].slice(from, to).reduce((all, v) => all | v, 0);
	return TROUBLES.filter(([bit]) => (bits & bit) !== 0).map(([, words]) => words).join(", ");
}

function describe() {
	const [from, to] = inside();
	const nodes = latest.timeline.nodes;
	const when = `${hourMinute(limits[0])} to ${hourMinute(limits[1])}`;
	const each = (f) => nodes.map((n, i) => `${n.name} ${f(i)}`).join("; ");
	setAttribute(byId("plot-heard"), "aria-label", `Heard, datagrams a second, ${when}: ` +
		each((i) => { const v = data.heard[i].slice(from, to).filter((x) => x !== null); return v.length === 0 ? "unknown" :
			`${short(Math.min(...v))} to ${short(Math.max(...v))}`; }));
	setAttribute(byId("plot-missing"), "aria-label", `Missing datagrams, ${when}: ` +
		each((i) => some(sum(data.missing[i], from, to))) + `; by all ${some(sum(data.all, from, to))}`);
	setAttribute(byId("plot-trouble"), "aria-label", `What befell the nodes, ${when}: ` +
		each((i) => troubleIn(i, from, to) || "nothing"));
}

function showTable() {
	const [from, to] = inside();
	const line = latest.timeline;
	const per = Math.max(1, Math.ceil((to - from) / TABLE_ROWS));
	const table = byId("timeline-table");
	const head = el("tr", {}, el("th", { scope: "col" }, `${duration(per * line.step)} from`), ...line.nodes.flatMap((n) =>
		[el("th", { scope: "col", class: "number" }, `${n.name}: heard`), el("th", { scope: "col", class: "number" }, `${n.name}: missing`)]),
	el("th", { scope: "col", class: "number" }, "missing by all"));
	const body = [];
	for (let end = to; end > from; end -= per) {
		const begin = Math.max(from, end - per);
		body.push(el("tr", {}, el("th", { scope: "row" }, clock(data.xs[begin])), ...line.nodes.flatMap((n, i) => {
			const trouble = troubleIn(i, begin, end);
			return [el("td", { class: "number" }, some(sum(n.heard, begin, end))),
				el("td", { class: "number" }, some(sum(n.missing, begin, end)) + (trouble ? ` (${trouble})` : ""))];
		}), el("td", { class: "number" }, some(sum(line.all, begin, end)))));
	}
	table.tHead.replaceChildren(head);
	table.tBodies[0].replaceChildren(...body);
}

function setRange(seconds) {
	range = seconds;
	zoom = null;
	for (const input of byId("ranges").querySelectorAll("input"))
		input.checked = Number(input.value) === seconds;
	if (latest !== null && data !== null)
		draw();
}

const rangeName = (s) => (s % 3600 === 0 ? `${s / 3600}\u00a0h` : duration(s));

function makeRanges(total) {
	const fieldset = byId("ranges");
	const some = [...RANGES.filter((s) => s < total), 0];
	const offered = some.join(" ");
	if (fieldset.dataset.offered === offered)
		return;
	fieldset.dataset.offered = offered;
	for (const label of fieldset.querySelectorAll("label"))
		label.remove();
	for (const seconds of some) {
		const input = el("input", { type: "radio", name: "range", value: seconds });
		input.checked = seconds === range;
		input.addEventListener("change", () => setRange(seconds));
		fieldset.append(el("label", {}, input, el("span", {}, rangeName(seconds || total))));
	}
}

export function showTimeline(model) {
	latest = model;
	const line = model.timeline;
	const empty = line.all.length === 0 || line.nodes.length === 0;
	setHidden(byId("timeline"), empty);
	setHidden(byId("timeline-empty"), !empty);
	setHidden(byId("ranges"), empty);
	setText(byId("timeline-empty"), "Nothing to show without nodes.");
	if (empty)
		return;
	for (const node of document.querySelectorAll(".step"))
		setText(node, `in ${duration(line.step)} each`);
	makeRanges(model.window); // a monitor that has just begun fills it in time
	data = columns(model);
	draw();
}

// The plots' colours and times are drawn, so they do not follow by themselves.
export function redrawTimeline() {
	if (latest !== null && data !== null) {
		made = "";
		draw();
	}
}

export function startTimeline() {
	new ResizeObserver(([entry]) => {
		const width = Math.floor(entry.contentRect.width);
		for (const p of plots) {
			if (width > 0 && p.width !== width)
				p.setSize({ width, height: p.height });
		}
	}).observe(byId("plot-heard"));
	byId("timeline-details").addEventListener("toggle", () => {
		if (byId("timeline-details").open && data !== null)
			showTable();
	});
}
