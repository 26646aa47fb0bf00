// SPDX-License-Identifier: ISC
// The verdict: whether the cluster is whole, in words, colour and shape, and why not. It goes into the tab, too.

import { Keyed, byId, el, setAttribute, setHidden, setShape, setText } from "./dom.js";
import { count, duration, plural, rate } from "./text.js";

const VERDICTS = {
	whole: ["Whole", "Every node hears every stream, and nothing is missing."],
	thinner: ["Thinner", "Nothing is lost: what one node misses, another one has."],
	losing: ["Losing", "Some of what exporters send is heard by no node."],
	blind: ["Blind", "No node answers, so nobody can tell what is missing."],
	unknown: ["Connecting", "Waiting for the monitor’s first answer."],
};

// The shapes of index.html again, for the tab: there they have neither the page's colours nor its symbols.
const ICONS = {
	whole: ["#12805c", "<circle cx='12' cy='12' r='11'/><path class='m' d='M6.5 12.5l3.8 3.8 7.4-8.4'/>"],
	thinner: ["#c77700", "<path d='M12 1.5L23.4 22H.6z'/><path class='m' d='M12 8.5v7M12 17.4v2.4'/>"],
	losing: ["#c9281d", "<path d='M7.3 1h9.4L23 7.3v9.4L16.7 23H7.3L1 16.7V7.3z'/><path class='m' d='M7.5 7.5l9 9m0-9l-9 9'/>"],
	blind: ["#5b606e", "<rect x='1.5' y='1.5' width='21' height='21' rx='2'/><path class='m' d='M6 12h12'/>"],
	unknown: ["#8a9295", "<circle cx='12' cy='12' r='11'/>"],
};

function icon(health) {
	const [colour, shape] = ICONS[health];
	const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='${colour}'>` +
		shape.replace("class='m'", "fill='none' stroke='#fff' stroke-width='2.6'") + "</svg>";
	return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

let told = ""; // what the live region said last

// Only changes are said: a page that speaks each second is not listened to.
function say(text) {
	if (text === told)
		return;
	if (told !== "" || !text.startsWith(VERDICTS.whole[0]))
		setText(byId("said"), text);
	told = text;
}

const reasons = new Keyed(byId("reasons"), () => ({ node: el("li") }), (it, reason) => setText(it.node, reason));

// How many streams are heard by how many nodes, worst first.
const shares = new Keyed(byId("redundancy"), () => {
	const meter = el("span", { class: "meter", "aria-hidden": "true" }, el("span"));
	const words = el("span", { class: "words" });
	const number = el("span", { class: "number" });
	return { node: el("li", {}, words, meter, number), words, meter, number };
}, (it, share) => {
	setText(it.words, `${share.hearing} of ${plural(share.of, "node")}`);
	setText(it.number, plural(share.streams, "stream"));
	setAttribute(it.node, "data-level", share.hearing === share.of ? "full" : share.hearing === 0 ? "none" : "part");
	it.meter.firstChild.style.inlineSize = `${100 * share.streams / share.total}%`;
});

function redundancy(model) {
	const by = new Map();
	for (const s of model.streams) {
		const key = s.hearing * 1000 + s.of;
		by.set(key, (by.get(key) ?? 0) + 1);
	}
	const worst = [...by].sort((a, b) => a[0] - b[0]).map(([key, streams]) => ({
		hearing: Math.floor(key / 1000), of: key % 1000, streams, total: model.streams.length,
	}));
	return worst.length <= 4 ? worst : [...worst.slice(0, 3), worst[worst.length - 1]];
}

export function showHealth(model) {
	const [word, meaning] = VERDICTS[model.health];
	const up = model.nodes.filter((n) => n.state === "up").length;
	const all = model.streams.length === model.streamsTotal;

	setAttribute(document.documentElement, "data-health", model.health);
	setShape(byId("health-shape"), model.health);
	setText(byId("headline"), word);
	setText(byId("meaning"), model.streamsTotal === 0 && model.health === "whole" ?
		"All nodes answer, but no exporter has been heard yet." : meaning);
	reasons.show(model.reasons, String);
	setText(byId("cluster"), model.cluster);

	setText(byId("figure-nodes"), `${up} of ${model.nodes.length}`);
	// Of a part of the streams the sum is no figure; the node that hears most is the better one.
	const sum = model.streams.reduce((total, s) => total + s.rate, 0);
	const blind = model.health === "blind";
	setText(byId("figure-rate"), blind ? "–" : rate(all ? sum : Math.max(0, ...model.nodes.map((n) => n.rate))));
	setText(byId("figure-residual"), blind && model.residual === 0 ? "–" : count(model.residual)); // nobody knows of none
	setAttribute(byId("figure-residual"), "class", model.residual > 0 ? "bad" : null);
	for (const node of document.querySelectorAll(".window"))
		setText(node, ` in ${duration(model.window)}`);

	setText(byId("redundancy-title"), all ? "Redundancy" :
		`Redundancy of the ${count(model.streams.length)} worst of ${plural(model.streamsTotal, "stream")}`);
	shares.show(redundancy(model), (s) => `${s.hearing}/${s.of}`);
	setHidden(byId("redundancy").parentNode, model.streams.length === 0);
}

// What is seen and heard of the page by who does not look at it: its tab, and what is said aloud.
export function tell(model) {
	const [word, meaning] = VERDICTS[model.health];
	document.title = `${word}${model.cluster === "" ? "" : ` – ${model.cluster}`} – flowbraid`;
	setAttribute(byId("icon"), "href", icon(model.health));
	say(`${word}. ${model.reasons[0] ?? meaning}`);
}

export function tellUnknown() {
	setAttribute(byId("icon"), "href", icon("unknown"));
	document.title = "Not connected – flowbraid";
	say("Not connected to the monitor: the state of the cluster is not known.");
}
