// SPDX-License-Identifier: ISC
// The gaps: when, of whom, how much, missed by which nodes, and why.

import { Keyed, byId, el, setAttribute, setClass, setHidden, setText } from "./dom.js";
import { count, duration, moment, protocol, units } from "./text.js";

const ROWS = matchMedia("(max-width: 640px)").matches ? 6 : 12;

let room = ROWS;
let latest = null;

function cell(kind, label, ...children) {
	return el("td", { role: "cell", class: kind, "data-label": label }, ...children);
}

const rows = new Keyed(byId("gaps").tBodies[0], () => {
	const from = el("time");
	const long = el("small");
	const exporter = el("strong");
	const detail = el("small");
	const missing = cell("number", "Missing");
	const by = cell("by", "Missed by");
	const cause = cell("", "Cause");
	const node = el("tr", { role: "row" }, cell("when", "Time", from, long),
		el("th", { scope: "row", role: "rowheader" }, exporter, detail), missing, by, cause);
	return { node, from, long, exporter, detail, missing, by, cause };
}, (it, { g, now }) => {
	setText(it.from, g.from === null ? "–" : moment(g.from, now));
	setAttribute(it.from, "datetime", g.from === null ? null : new Date(g.from * 1e3).toISOString());
	setText(it.long, g.from === null || g.to === null ? "" : `for ${duration(g.to - g.from)}`);
	setText(it.exporter, g.exporter);
	setText(it.detail, [protocol(g.version), ...g.detail].join(" · "));
	setText(it.missing, units(g.missing, g.unit));
	setText(it.by, g.everybody ? "all nodes" : g.nodes.join(", "));
	setClass(it.by, g.everybody ? "by bad" : "by");
	setText(it.cause, g.cause || "not known");
});

function render() {
	if (latest === null)
		return;
	const only = byId("gaps-all").checked;
	const found = only ? latest.gaps.filter((g) => g.everybody) : latest.gaps;
	rows.show(found.slice(0, room).map((g) => ({ g, now: latest.time })), ({ g }) => g.id);
	setHidden(byId("gaps-scroll"), found.length === 0);
	setHidden(byId("gaps-empty"), found.length > 0);
	setText(byId("gaps-empty"), latest.health === "blind" ? "None known." :
		`${only ? "Nothing missing by all" : "No gaps"} in the last ${duration(latest.window)}.`);
	setText(byId("gaps-count"), found.length === 0 ? "" : `${count(Math.min(room, found.length))} of the newest ${count(found.length)}`);
	setHidden(byId("gaps-more"), found.length <= room);
}

export function showGaps(model) {
	latest = model;
	render();
}

export function startGaps() {
	byId("gaps-form").addEventListener("submit", (event) => event.preventDefault());
	byId("gaps-all").addEventListener("change", render);
	byId("gaps-more").addEventListener("click", () => {
		room += 50;
		render();
	});
}
