// SPDX-License-Identifier: ISC
// Begins here. A document comes in from the feed, is read once (model.js), and each part of the page shows its share of it: at
// most once a frame, and not at all while nobody sees the page; but its tab always tells how the cluster is.

import { byId, setAttribute, setHidden, setShape, setText } from "./dom.js";
import { Feed } from "./feed.js";
import { showGaps, startGaps } from "./gaps.js";
import { showHealth, tell, tellUnknown } from "./health.js";
import { read } from "./model.js";
import { showNodes } from "./nodes.js";
import { showStreams, startStreams } from "./streams.js";
import { clock, duration, setZone, zoneName } from "./text.js";
import { redrawTimeline, showTimeline, startTimeline } from "./timeline.js";

let latest = null;
let shown = null;
let came = 0; // when the latest did, by the page's own steady clock
let link = { state: "connecting", why: "" };
let wanted = 0; // frame

function render() {
	wanted = 0;
	if (latest === null || latest === shown || document.hidden)
		return;
	shown = latest;
	const begun = performance.now();
	showHealth(latest);
	showNodes(latest);
	showTimeline(latest);
	showStreams(latest);
	showGaps(latest);
	performance.clearMeasures("flowbraid: update");
	performance.measure("flowbraid: update", { start: begun });
	showLink();
}

function wantRender() {
	if (wanted === 0)
		wanted = requestAnimationFrame(render);
}

function showLink() {
	const age = latest === null ? 0 : (performance.now() - came) / 1e3;
	const live = link.state === "live";
	const lost = link.state === "lost";
	setAttribute(document.documentElement, "data-link", link.state);
	setShape(byId("link").firstElementChild, live ? "whole" : lost ? "losing" : "unknown");
	setText(byId("link-text"), live ? `Live, ${clock(latest.time)} ${zoneName()}` : lost ? "Not connected" : "Connecting");
	setHidden(byId("lost"), !lost);
	if (lost) {
		setText(byId("lost"), `${link.why}. ${latest === null ? "" :
			`What stands here is ${duration(Math.floor(age))} old, of ${clock(latest.time)}. `}Trying again.`);
	}
}

const feed = new Feed((text) => {
	try {
		latest = read(JSON.parse(text));
	} catch (e) {
		if (!(e instanceof SyntaxError || e instanceof TypeError))
			throw e;
		return false;
	}
	came = performance.now();
	wantRender();
	return true;
}, (state, why) => {
	const was = link.state;
	link = { state, why };
	if (state === "lost" && was !== "lost")
		tellUnknown();
	if (state === "live")
		tell(latest);
	showLink();
});

// What the reader chose is kept where the browser lets us.
const store = {
	get(key) {
		try {
			return localStorage.getItem(key);
		} catch {
			return null;
		}
	},
	set(key, value) {
		try {
			localStorage.setItem(key, value);
		} catch {
			// then it is for this visit
		}
	},
};

const THEMES = ["system", "light", "dark"];

function setTheme(theme) {
	setAttribute(document.documentElement, "data-theme", theme === "system" ? null : theme);
	setText(byId("theme"), `Theme: ${theme}`);
	store.set("flowbraid-theme", theme);
	redrawTimeline();
}

function setUtc(utc) {
	setZone(utc);
	setText(byId("zone"), utc ? "Times: UTC" : "Times: local");
	store.set("flowbraid-times", utc ? "utc" : "local");
	redrawTimeline();
	shown = null;
	wantRender();
}

let theme = THEMES.includes(store.get("flowbraid-theme")) ? store.get("flowbraid-theme") : "system";
let utc = store.get("flowbraid-times") === "utc";

startTimeline();
// Whether more streams may come than the document has.
startStreams((all) => {
	if (all === 0)
		feed.ask(0);
	else if (latest.streams.length < all && feed.streams < all)
		feed.ask(Math.ceil(all / 100 + 1) * 100); // a few more than there are now: a new stream is no reason to ask again
	return latest.streams.length < all && !feed.answered;
});
startGaps();
setTheme(theme);
setUtc(utc);
byId("theme").addEventListener("click", () => {
	theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
	setTheme(theme);
});
byId("zone").addEventListener("click", () => {
	utc = !utc;
	setUtc(utc);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawTimeline);
document.addEventListener("visibilitychange", wantRender);
setInterval(() => {
	feed.watch();
	if (!document.hidden)
		showLink();
}, 1000);
feed.open();
