// SPDX-License-Identifier: ISC
// The matrix: a row for each stream, a column for each node. The worst stand first, a limited number of rows is in the page, and
// while somebody points at the table or has the focus in it, the rows keep their order.

import { Keyed, byId, el, setAttribute, setClass, setHidden, setShape, setText, shape } from "./dom.js";
import { count, percent, plural, protocol, rate, short, units } from "./text.js";

const ROWS = matchMedia("(max-width: 640px)").matches ? 10 : 25;
const PIPS_MOST = 8;

const WHICH = {
	all: () => true,
	any: (s) => s.residual > 0 || s.nodes.some((n) => n.missing > 0),
	residual: (s) => s.residual > 0,
	thin: (s) => s.hearing < s.of,
};

const worstLoss = (s) => s.nodes.reduce((most, n) => Math.max(most, n.loss), 0);
const byExporter = new Intl.Collator("en", { numeric: true }).compare;

// Ascending; the button of a column begins with the direction in which its trouble is on top.
const ORDERS = {
	worst: { name: "worst first", compare: (a, b) => b.residual - a.residual || (b.of - b.hearing) - (a.of - a.hearing) ||
		worstLoss(b) - worstLoss(a) || b.rate - a.rate },
	exporter: { name: "exporter", compare: (a, b) => byExporter(a.exporter, b.exporter) || byExporter(a.id, b.id) },
	rate: { name: "rate", down: true, compare: (a, b) => a.rate - b.rate },
	residual: { name: "missing by all", down: true, compare: (a, b) => a.residual - b.residual },
	hearing: { name: "heard by", compare: (a, b) => a.hearing - b.hearing },
};
const lossOn = (i) => ({ name: "", down: true, compare: (a, b) => (a.nodes[i]?.loss ?? 0) - (b.nodes[i]?.loss ?? 0) });

const STATES = {
	hears: ["", "", ""],
	stalled: ["stalled", "lag", "warn"],
	silent: ["silent", "unknown", "quiet"],
	down: ["down", "blind", "quiet"], // its card tells the alarm
	never: ["no answer yet", "unknown", "quiet"],
};

const body = byId("streams").tBodies[0];
const headRow = byId("streams").tHead.rows[0];
let names = null; // of the nodes for which the columns are made
let heads = [];
let order = "worst", down = false;
let room = ROWS;
let kept = []; // ids in the order that is shown
let latest = null;
let onWish = () => false;

function cell(kind, label, ...children) {
	return el("td", { role: "cell", class: kind, "data-label": label }, ...children);
}

// What sFlow's agent does, as the node tells that has heard most of its samples.
function sampling(s) {
	const best = s.nodes.reduce((most, n) => ((n.samples?.heard ?? 0) > (most?.heard ?? 0) ? n.samples : most), null);
	if (best === null)
		return [];
	const off = best.rate > 0 && best.effective > 0 && Math.abs(best.effective / best.rate - 1) > 0.1;
	return [
		...(best.effective > 0 ? [`samples 1 in ${short(best.effective)}${off ? `, says 1 in ${short(best.rate)}` : ""}`] : []),
		...(best.dropped > 0 ? [`${plural(best.dropped, "sample")} dropped by the agent`] : []),
	];
}

const rows = new Keyed(body, () => {
	const exporter = el("strong");
	const detail = el("small");
	const rateCell = cell("number", "Rate");
	const residual = cell("number residual", "Missing by all");
	const pips = el("span", { class: "pips", "aria-hidden": "true" });
	const hearing = el("span");
	const node = el("tr", { role: "row" }, el("th", { scope: "row", role: "rowheader" }, exporter, detail),
		rateCell, residual, cell("hearing", "Heard by", pips, hearing));
	const at = names.map((name) => {
		const sign = shape("unknown");
		const top = el("span", { class: "value" });
		const loss = el("small", { class: "loss" });
		const td = cell("at", name, sign, top, loss);
		node.append(td);
		return { td, sign, top, loss };
	});
	return { node, exporter, detail, rateCell, residual, pips, hearing, at };
}, (it, s) => {
	setText(it.exporter, s.exporter);
	setText(it.detail, [protocol(s.version), ...s.detail, ...sampling(s)].join(" · "));
	setText(it.rateCell, rate(s.rate));
	setText(it.residual, s.residual > 0 ? `${units(s.residual, s.unit)} (${percent(s.residualPercent)})` : s.accounted ? "0" : "not known");
	setAttribute(it.residual, "title", s.accounted ? null : "What its sequence numbers count is not known, so nothing is claimed to be missing.");
	setClass(it.residual, s.residual > 0 ? "number residual bad" : "number residual");
	setText(it.hearing, `${count(s.hearing)} of ${count(s.of)}`);
	setClass(it.hearing.parentNode, s.hearing === 0 ? "hearing bad" : s.hearing < s.of ? "hearing warn" : "hearing");
	if (s.nodes.length <= PIPS_MOST) {
		while (it.pips.children.length < s.nodes.length)
			it.pips.append(el("i"));
		s.nodes.forEach((n, i) => setClass(it.pips.children[i], n.state === "hears" ? "on" : ""));
	}
	it.at.forEach((at, i) => {
		const n = s.nodes[i] ?? { state: "never", rate: 0, missing: 0, loss: 0 };
		const [word, sign, level] = STATES[n.state] ?? STATES.never;
		const lossy = n.missing > 0 || n.loss > 0;
		setText(at.top, word || rate(n.rate));
		setText(at.loss, !lossy ? "" : n.loss > 0 ? `${percent(n.loss)} missing` : `${count(n.missing)} missing`);
		setAttribute(at.loss, "title", lossy ? `${units(n.missing, s.unit)} missing` : null);
		setAttribute(at.td, "title", n.samples ? `samples since this node's collector began: ${count(n.samples.heard)} heard, ${count(n.samples.missing)} missing` : null);
		setShape(at.sign, sign || (lossy ? "thinner" : "whole"));
		setClass(at.td, `at ${level || (n.loss >= 1 ? "bad" : lossy ? "warn" : "good")}`);
	});
});

// role="columnheader" and the like stand there because narrow screens lay the rows out as blocks (style.css).
function head(key, text, kind) {
	const button = el("button", { type: "button" }, text);
	const th = el("th", { role: "columnheader", scope: "col", class: kind }, button);
	button.addEventListener("click", () => setOrder(key, order === key ? !down : (orderOf(key).down ?? false)));
	return { key, th };
}

function orderOf(key) {
	return ORDERS[key] ?? lossOn(Number(key.slice(5)));
}

function setOrder(key, downwards) {
	order = key;
	down = downwards;
	kept = [];
	for (const h of heads)
		setAttribute(h.th, "aria-sort", h.key === order ? (down ? "descending" : "ascending") : null);
	byId("streams-order").value = key;
	render();
}

function makeColumns(nodes) {
	names = nodes;
	rows.clear();
	heads = [head("exporter", "Exporter", ""), head("rate", "Rate", "number"), head("residual", "Missing by all", "number"),
		head("hearing", "Heard by", ""), ...names.map((name, i) => head(`node-${i}`, name, "at"))];
	headRow.replaceChildren(...heads.map((h) => h.th));
	byId("streams-order").replaceChildren(
		...Object.entries(ORDERS).map(([key, o]) => el("option", { value: key }, o.name)),
		...names.map((name, i) => el("option", { value: `node-${i}` }, `loss on ${name}`)));
	if (order.startsWith("node-") && Number(order.slice(5)) >= names.length)
		order = "worst";
	byId("streams-order").value = order;
}

const pointed = matchMedia("(hover: hover)");

function held() {
	return byId("streams-scroll").matches(":focus-visible") || (pointed.matches && body.matches(":hover"));
}

function arrange(streams) {
	const { compare } = orderOf(order);
	const sorted = [...streams].sort(down ? (a, b) => compare(b, a) : compare);
	if (held() && kept.length > 0) {
		const was = new Map(kept.map((id, i) => [id, i]));
		sorted.sort((a, b) => (was.get(a.id) ?? Infinity) - (was.get(b.id) ?? Infinity) || 0);
	}
	kept = sorted.map((s) => s.id);
	return sorted;
}

function render() {
	if (latest === null)
		return;
	const find = byId("streams-find").value.trim().toLowerCase();
	const which = WHICH[byId("streams-which").value];
	const found = arrange(latest.streams.filter((s) => which(s) && (find === "" ||
		`${s.exporter} ${protocol(s.version)} ${s.detail.join(" ")}`.toLowerCase().includes(find))));
	const wanted = find !== "" || byId("streams-which").value !== "all" || order !== "worst" || room > latest.streams.length;
	const more = onWish(wanted ? latest.streamsTotal : 0); // what we have not got yet may come
	rows.show(found.slice(0, room), (s) => s.id);

	const total = latest.streamsTotal;
	const narrowed = find !== "" || byId("streams-which").value !== "all";
	setHidden(byId("streams-scroll"), found.length === 0);
	setHidden(byId("streams-empty"), found.length > 0);
	setText(byId("streams-empty"), total === 0 ? "No exporter has been heard yet." : narrowed ? "No stream is like that." : "");
	const shown = Math.min(room, found.length);
	const rest = (narrowed ? found.length : total) - shown;
	setText(byId("streams-held"), held() && found.length > 1 ? "Rows keep their places while you are at them." : "");
	const among = !more && wanted && latest.streams.length < total ? `the worst ${count(latest.streams.length)} of ${count(total)}` : count(total);
	setText(byId("streams-count"), found.length === 0 ? "" : narrowed ?
		`${count(shown)} of ${count(found.length)} that match, of ${among}` : `${count(shown)} of ${among}`);
	setText(byId("streams-left"), latest.leftOut === 0 ? "" :
		`For want of room the monitor has left something out ${count(latest.leftOut)} times.`);
	setHidden(byId("streams-more"), rest <= 0 || (shown === found.length && wanted && !more));
}

export function showStreams(model) {
	latest = model;
	const nodes = model.nodes.map((n) => n.name);
	if (names === null || names.length !== nodes.length || names.some((n, i) => n !== nodes[i])) {
		makeColumns(nodes);
		setOrder(order, down);
	} else
		render();
}

export function startStreams(wish) {
	onWish = wish;
	const again = () => {
		room = ROWS;
		kept = [];
		render();
	};
	byId("streams-form").addEventListener("submit", (event) => event.preventDefault());
	byId("streams-find").addEventListener("input", again);
	byId("streams-which").addEventListener("change", again);
	byId("streams-order").addEventListener("change", (event) =>
		setOrder(event.target.value, orderOf(event.target.value).down ?? false));
	byId("streams-more").addEventListener("click", () => {
		room = room < 100 ? 100 : room + 400;
		render();
	});
}

