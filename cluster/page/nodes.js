// SPDX-License-Identifier: ISC
// The nodes, a card each: is it up, what it hears, what it misses.

import { Keyed, byId, el, setAttribute, setHidden, setShape, setText, shape } from "./dom.js";
import { count, duration, percent, plural, rate } from "./text.js";

const SKEWED = 1; // seconds: below that, merging and reading do not care

// What a node's state comes to: word, shape, level of alarm.
export function condition(n) {
	if (n.state === "never")
		return ["no answer yet", "unknown", "unknown"];
	if (n.state !== "up")
		return ["down", "blind", "bad"];
	if (n.failing)
		return ["failing", "losing", "bad"];
	if (n.behind)
		return ["behind", "lag", "warn"];
	if (Math.abs(n.skew ?? 0) >= SKEWED)
		return ["clock off", "lag", "warn"];
	if (n.missing > 0)
		return ["up, with loss", "thinner", "warn"];
	return ["up", "whole", "good"];
}

function skew(seconds) {
	if (seconds === null)
		return "–";
	if (Math.abs(seconds) < 0.01)
		return "<10\u00a0ms";
	return `${duration(seconds)} ${seconds < 0 ? "behind" : "ahead"}`;
}

function fact(list, term) {
	const value = el("dd");
	list.append(el("div", {}, el("dt", {}, term), value));
	return value;
}

const cards = new Keyed(byId("nodes"), () => {
	const name = el("h3");
	const sign = shape("unknown");
	const state = el("span");
	const why = el("p", { class: "why" });
	const facts = el("dl");
	const it = {
		node: el("li", {}, el("div", { class: "title" }, name, el("span", { class: "state" }, sign, state)), why, facts),
		name, sign, state, why,
	};
	it.rate = fact(facts, "Hears");
	it.loss = fact(facts, "Loss");
	it.missing = fact(facts, "Missing");
	it.streams = fact(facts, "Streams");
	it.skew = fact(facts, "Clock error");
	it.answered = fact(facts, "Answered");
	return it;
}, (it, { n, total }) => {
	const [word, sign, level] = condition(n);
	setText(it.name, n.name);
	setAttribute(it.name, "title", n.url || null);
	setText(it.state, word);
	setShape(it.sign, sign);
	setAttribute(it.node, "data-level", level);
	setText(it.why, n.why);
	setHidden(it.why, n.why === "");
	const known = n.state !== "never";
	setText(it.rate, known ? rate(n.rate) : "–");
	setText(it.loss, known ? percent(n.loss) : "–");
	setText(it.missing, known ? count(n.missing) : "–");
	setText(it.streams, known ? n.streams === total ? `all ${count(total)}` : `${count(n.streams)} of ${count(total)}` : "–");
	setText(it.skew, known ? skew(n.skew) : "–");
	setText(it.answered, n.answered === null ? "never" : n.answered < 1 ? "just now" : `${duration(Math.floor(n.answered))} ago`);
});

export function showNodes(model) {
	setHidden(byId("nodes-empty"), model.nodes.length > 0);
	setText(byId("nodes-empty"), "No nodes to ask. Give the monitor their addresses, with --node or in its configuration.");
	cards.show(model.nodes.map((n) => ({ n, total: model.streamsTotal })), ({ n }) => n.url || n.name);
	const versions = [...new Set(model.nodes.map((n) => n.version).filter((v) => v !== ""))];
	setText(byId("versions"), versions.length === 0 ? "" :
		versions.length === 1 ? `flowbraidd ${versions[0]} on all nodes` : `${plural(versions.length, "version")} of flowbraidd: ${versions.join(", ")}`);
}
