// SPDX-License-Identifier: ISC
// The monitor's document, as /events sends it, in a form that the rest of the page can rely on: every list is there, every number
// finite, every time a number of seconds since 1970 or null. flowbraid-monitor(8) says what the keys mean.

const list = (v) => (Array.isArray(v) ? v : []);
const number = (v) => (Number.isFinite(v) ? v : 0);
const maybe = (v) => (Number.isFinite(v) ? v : null);
const text = (v) => (v === null || v === undefined ? "" : String(v));

function time(v) {
	const t = typeof v === "string" ? Date.parse(v) / 1e3 : NaN;
	return Number.isFinite(t) ? t : null;
}

const HEALTH = ["whole", "thinner", "losing", "blind"];

// Before its first answer a node has no name but its address.
function nodeName(n, i) {
	const name = text(n.name) || text(n.url);
	return (name === text(n.url) ? name.replace(/^\w+:\/\//, "").replace(/\/$/, "") : name) || `node ${i + 1}`;
}

function node(n, i) {
	return {
		name: nodeName(n, i),
		url: text(n.url),
		state: text(n.state),
		why: text(n.why),
		version: text(n.version),
		answered: maybe(n.answeredSecondsAgo),
		skew: maybe(n.skewSeconds),
		behind: n.behind === true,
		failing: n.failing === true,
		rate: number(n.rate),
		streams: number(n.streams),
		missing: number(n.missing),
		loss: number(n.lossPercent),
	};
}

function source(s) {
	const detail = [];
	if (text(s.agent) !== "")
		detail.push(`agent ${text(s.agent)}`);
	if (s.domain === "all")
		detail.push("all domains");
	else if (number(s.domain) !== 0)
		detail.push(`domain ${text(s.domain)}`);
	if (s.exporterPort !== undefined && s.exporterPort !== null)
		detail.push(`port ${text(s.exporterPort)}`);
	return { exporter: text(s.exporter), version: text(s.version), detail };
}

function stream(s) {
	return {
		...source(s),
		id: text(s.id),
		unit: text(s.unit) || "datagrams",
		rate: number(s.rate),
		hearing: number(s.hearing),
		of: number(s.of),
		accounted: s.accounted !== false,
		residual: number(s.residual),
		residualPercent: number(s.residualPercent),
		lastHeard: time(s.lastHeard),
		nodes: list(s.nodes).map((n) => ({
			state: text(n.state),
			rate: number(n.rate),
			missing: number(n.missing),
			loss: number(n.lossPercent),
			samples: n.samples === null || n.samples === undefined ? null : {
				heard: number(n.samples.heard),
				missing: number(n.samples.missing),
				dropped: number(n.samples.dropped),
				rate: number(n.samples.samplingRate),
				effective: number(n.samples.effectiveRate),
			},
		})),
	};
}

function gap(g) {
	return {
		...source(g),
		id: `${text(g.id)} ${text(g.from)} ${list(g.nodes).join(" ")}`,
		unit: text(g.unit) || "datagrams",
		missing: number(g.missing),
		from: time(g.from),
		to: time(g.to),
		everybody: g.nodes === "all",
		nodes: list(g.nodes).map(text),
		cause: text(g.cause),
	};
}

export function read(doc) {
	if (typeof doc !== "object" || doc === null || !HEALTH.includes(doc.health))
		throw new TypeError("not a document of the monitor");
	const nodes = list(doc.nodes).map(node);
	const line = doc.timeline ?? {};
	const buckets = list(line.all).map(maybe);
	const series = (v) => buckets.map((_, i) => maybe(list(v)[i]));
	return {
		cluster: text(doc.cluster),
		time: time(doc.time) ?? 0,
		health: doc.health,
		reasons: list(doc.reasons).map(text),
		window: number(doc.windowSeconds),
		residual: maybe(doc.residual) ?? buckets.reduce((sum, n) => sum + (n ?? 0), 0),
		leftOut: number(doc.leftOut),
		nodes,
		streams: list(doc.streams).map(stream),
		streamsTotal: Math.max(number(doc.streamsTotal), list(doc.streams).length),
		gaps: list(doc.gaps).map(gap),
		timeline: {
			start: time(line.start) ?? 0,
			step: number(line.stepSeconds) || number(doc.stepSeconds) || 1,
			all: buckets,
			nodes: list(line.nodes).map((n, i) => ({
				name: nodes[i]?.name ?? nodeName(n, i),
				heard: series(n.heard),
				missing: series(n.missing),
				trouble: series(n.trouble),
			})),
		},
	};
}
