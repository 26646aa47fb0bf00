// SPDX-License-Identifier: ISC
// Looks at the monitor's page as a reader does, with documents of clusters that do not exist (serve.py).
//
//	node look.mjs FOLDER-OF-MODULES ADDRESS FOLDER-FOR-SCREENSHOTS CHROMIUM [PART]...

import { accessible, address, check, close, expect, headline, is, like, more, open, run, shoot, sideways, text, texts, until } from "./browser.mjs";

async function show(state) {
	await fetch(`${address}state?${state}`);
}

async function states() {
	await show("whole");
	const page = await open();
	is("whole: headline", await text(page, "#headline"), "Whole");
	is("whole: in the tab, too", await page.title(), "Whole – edge – flowbraid");
	is("whole: nodes", await texts(page, "#nodes h3"), ["col-a", "col-b", "col-c"]);
	is("whole: a row for each stream", await page.locator("#streams tbody tr").count(), 12);
	is("whole: no gaps", await text(page, "#gaps-empty"), "No gaps in the last 3 h.");
	is("whole: redundancy", await texts(page, "#redundancy li"), ["3 of 3 nodes 12 streams"]);
	is("whole: three plots", await page.locator("#timeline canvas").count(), 3);
	like("whole: the first plot in words", await page.getAttribute("#plot-heard", "aria-label"), /^Heard, datagrams a second, \d\d:\d\d to \d\d:\d\d: col-a [\d.]+\sk to [\d.]+\sk; col-b .*; col-c /);

	// What is said aloud, from here on.
	await page.evaluate(() => {
		window.said = [];
		const said = document.getElementById("said");
		new MutationObserver(() => window.said.push(said.textContent)).observe(said, { childList: true, characterData: true, subtree: true });
		window.rows = [...document.querySelectorAll("#streams tbody tr")];
	});
	const moving = () => page.evaluate(() => document.getElementById("figure-rate").textContent);
	for (let n = 0, was = await moving(); n < 2; n++) {
		check(`whole: updates by itself, ${n + 1}`, await until(page, (w) => document.getElementById("figure-rate").textContent !== w, was));
		was = await moving();
	}
	is("whole: updates are not said", await page.evaluate(() => window.said), []);

	await show("down");
	await headline(page, "Thinner");
	like("down: the reason", await text(page, "#reasons"), /col-b does not answer/);
	is("down: the node", (await texts(page, "#nodes .state"))[1], "down");
	like("down: why", (await texts(page, "#nodes .why"))[1], /Connection refused/);
	is("down: nodes up", await text(page, "#figure-nodes"), "2 of 3");
	is("down: said once", await page.evaluate(() => window.said), ["Thinner. node col-b does not answer: connection refused"]);
	is("down: rows are the same rows", await page.evaluate(() =>
		window.rows.filter((r) => r.isConnected).length), 12);
	like("down: gaps have causes", (await texts(page, "#gaps tbody tr"))[0], /node down/);
	like("down: what befell it, in words", await page.getAttribute("#plot-trouble", "aria-label"), /col-a nothing; col-b down; col-c kernel dropped/);

	await show("losing");
	await headline(page, "Losing");
	like("losing: the stream that nobody hears all of stands first", (await texts(page, "#streams tbody tr"))[0], /7a54[\s\S]*1,284 records \(0\.31\s%\)/);
	await page.check("#gaps-all");
	is("losing: only what is missing by all", await page.locator("#gaps tbody .by").allInnerTexts(), ["all nodes", "all nodes"]);
	await page.uncheck("#gaps-all");
	await page.selectOption("#streams-which", "thin");
	is("losing: streams that not all nodes hear", await page.locator("#streams tbody th strong").allInnerTexts(), ["192.0.2.34", "192.0.2.33"]);
	await page.selectOption("#streams-which", "all");
	await page.fill("#streams-find", "2001:db8::7");
	is("losing: one is found", await page.locator("#streams tbody th strong").allInnerTexts(), ["2001:db8::7"]);
	await page.fill("#streams-find", "no such");
	is("losing: none is found", await text(page, "#streams-empty"), "No stream is like that.");
	await page.fill("#streams-find", "");
	await shoot(page, "light");
	await accessible(page, "losing, light");

	// Rows do not run away from under the pointer.
	const rows = () => texts(page, "#streams tbody th strong");
	const before = await rows();
	await page.hover("#streams tbody tr:nth-child(2)");
	await show("down");
	await headline(page, "Thinner");
	is("held: while the pointer is on the table, rows stay where they are", await rows(), before);
	like("held: and it says so", await text(page, "#streams-held"), /keep their places/);
	await page.mouse.down();
	await page.mouse.up(); // which leaves the focus there, but nobody sees it
	await page.mouse.move(2, 2);
	check("held: and go where they belong when it is gone", await until(page, (first) =>
		document.querySelector("#streams tbody th strong").textContent !== first, before[0]));
	await show("losing");
	await headline(page, "Losing");

	const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
	const light = await paper();
	await page.click("#theme");
	await page.click("#theme");
	is("theme: dark is chosen", await text(page, "#theme"), "Theme: dark");
	check("theme: it is dark", (await paper()) !== light);
	await accessible(page, "losing, dark");
	await page.reload();
	await page.waitForSelector("[data-link=live]");
	is("theme: kept", await text(page, "#theme"), "Theme: dark");
	const at = await text(page, "#link-text");
	await page.click("#zone");
	like("times: local", at, /\d\d:\d\d:\d\d (CET|CEST|GMT\+[12])/);
	like("times: in UTC when asked for", await text(page, "#link-text"), /\d\d:\d\d:\d\d UTC/);

	await show("blind");
	await headline(page, "Blind");
	is("blind: no node is up", await text(page, "#figure-nodes"), "0 of 3");
	await accessible(page, "blind");
	await show("skewed");
	await headline(page, "Thinner");
	is("skewed: nodes", await texts(page, "#nodes .state"), ["clock off", "behind", "failing"]);
	like("skewed: by how much", (await texts(page, "#nodes li"))[0], /63\ss behind/);
	const sampled = (await texts(page, "#streams tbody th small")).filter((t) => /^sFlow/.test(t));
	check("skewed: what sFlow's agents do", sampled.some((t) => /samples 1 in 2\.05\sk, says 1 in 512 · 12\ssamples dropped by the agent/.test(t)) &&
		sampled.some((t) => /samples 1 in 512$/.test(t)));
	check("skewed: samples that are missing", (await page.locator("#streams td.at[title]").evaluateAll((all) => all.map((td) => td.title)))
		.some((t) => /9,999 heard, 7 missing$/.test(t)));
	await show("young");
	await headline(page, "Whole");
	is("young: ranges are those of the window", await texts(page, "#ranges label"), ["15 min", "1 h", "3 h"]);
	like("young: numbers that are not understood yet", (await texts(page, "#streams tbody tr")).find((t) => /^192\.0\.2\.17 /.test(t)), /not known/);
	await page.evaluate(() => { document.getElementById("timeline-details").open = true; });
	await page.waitForSelector("#timeline-table tbody tr");
	is("young: what nobody knows is no number", await texts(page, "#timeline-table tbody tr:last-child td"), Array(7).fill("–"));
	like("young: the last of it is", await page.locator("#timeline-table tbody tr").first().innerText(), /\d\s+0\s/);
	like("young: what was left out", await text(page, "#streams-left"), /left something out 7 times/);
	await show("first");
	await headline(page, "Blind");
	is("first: nodes have their addresses for names", await texts(page, "#nodes h3"), ["col-a.example.net:8055", "col-b.example.net:8055", "col-c.example.net:8055"]);
	is("first: no stream", await text(page, "#streams-empty"), "No exporter has been heard yet.");
	await show("nodeless");
	await page.waitForSelector("#nodes-empty:visible");
	await accessible(page, "nodeless");
	await show("empty");
	await headline(page, "Whole");
	like("empty: says so", await text(page, "#meaning"), /no exporter has been heard/);

	// Another tab is in front: this one tells by its title, and leaves all else for later.
	const hide = (hidden) => page.evaluate((h) => {
		Object.defineProperty(document, "hidden", { configurable: true, get: () => h });
		document.dispatchEvent(new Event("visibilitychange"));
	}, hidden);
	await hide(true);
	await show("losing");
	check("hidden: the tab tells", await until(page, () => document.title.startsWith("Losing")));
	is("hidden: nothing is drawn", await page.textContent("#headline"), "Whole");
	await hide(false);
	check("hidden: until it is seen", await until(page, () => document.getElementById("headline").textContent === "Losing"));
	await close(page, "states");
}

async function interruption() {
	await show("whole");
	const page = await open();
	expect(/Failed to load resource.*(503|ERR_)|net::ERR/);
	await fetch(`${address}cut?5`);
	await page.waitForSelector("#lost:visible");
	like("cut: says so, and how old it is", await text(page, "#lost"), /Not connected to the monitor\. What stands here is .* old, of \d\d:\d\d:\d\d\. Trying again\./);
	like("cut: said aloud", await page.textContent("#said"), /state of the cluster is not known/);
	like("cut: in the tab", await page.title(), /^Not connected/);
	await accessible(page, "cut");
	await page.click("#zone");
	await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
	like("cut: the tab says so until there is something new", await page.title(), /^Not connected/);
	check("cut: comes back by itself", await until(page, () => document.documentElement.dataset.link === "live"));
	check("cut: the notice goes", await page.locator("#lost").isHidden());
	check("cut: the verdict is back", await until(page, () => document.title === "Whole – edge – flowbraid"));
	like("cut: and said", await page.textContent("#said"), /^Whole/);

	// The connection stays, but nothing comes any more.
	await page.clock.install();
	await fetch(`${address}hold?1`);
	let asked = 0;
	page.on("request", (r) => asked += r.url().endsWith("/events"));
	check("silent: not at once", await page.locator("#lost").isHidden());
	await page.clock.fastForward(70000);
	check("silent: noticed", await until(page, () => /The monitor has fallen silent/.test(document.getElementById("lost").textContent)));
	await page.clock.runFor(16000);
	check("silent: asked again", asked > 0);
	await fetch(`${address}hold?0`);
	check("silent: and live again", await until(page, () => document.documentElement.dataset.link === "live"));
	await close(page, "cut");
	expect();
}

async function hostile() {
	await show("hostile");
	const page = await open({ viewport: { width: 1280, height: 900 } });
	like("hostile: the title is text", await page.title(), /^Losing – <script>/);
	is("hostile: no markup came of it", await page.evaluate(() => [document.scripts.length, document.images.length]), [1, 0]);
	is("hostile: a node's name stands there as it is", (await texts(page, "#nodes h3"))[0], "<script>document.title='owned'</script>");
	is("hostile: no link from the network", await page.evaluate(() => [...document.links].map((a) => a.getAttribute("href"))), ["#main", "cluster", "metrics"]);
	is("hostile: no scrolling sideways", await sideways(page), "");
	await close(page, "hostile");
}

async function phone() {
	await show("losing");
	const page = await open({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 1.5, hasTouch: true, isMobile: true });
	await shoot(page, "phone");
	await accessible(page, "phone");
	is("phone: still a table for those who listen", await page.locator("#streams").getByRole("row").count(), 11);
	await page.setViewportSize({ width: 320, height: 640 });
	for (const state of ["losing", "hostile", "wide", "blind"]) {
		await show(state);
		const cluster = state === "hostile" ? "<" : "e";
		await until(page, ([c, n]) => document.getElementById("cluster").textContent[0] === c &&
			document.querySelectorAll("#nodes > li").length === n, [cluster, state === "wide" ? 12 : 3]);
		is(`phone, ${state}: no scrolling sideways at 320 px`, await sideways(page), "");
	}
	await close(page, "phone");
}

async function keyboard() {
	await show("losing");
	const page = await open({ reducedMotion: "reduce", colorScheme: "dark" });
	await shoot(page, "dark");
	is("reduced motion: nothing moves", await page.evaluate(() => [...document.querySelectorAll("*")]
		.filter((e) => getComputedStyle(e).transitionDuration !== "0s").length), 0);
	const focused = () => page.evaluate(() => {
		const e = document.activeElement;
		const style = getComputedStyle(e.matches(".ranges input") ? e.nextElementSibling : e);
		const box = e.getBoundingClientRect();
		return { is: e.id || e.name || (e.tagName === "BUTTON" ? e.textContent : e.className || e.tagName),
			visible: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.width > 0 && box.bottom > 0 };
	});
	await page.keyboard.press("Tab");
	is("keyboard: first the way past the head", await focused(), { is: "skip", visible: true });
	await page.keyboard.press("Enter");
	is("keyboard: it leads there", await page.evaluate(() => document.activeElement.id), "main");
	const way = [], unseen = [];
	for (let n = 0; n < 25; n++) {
		await page.keyboard.press("Tab");
		const at = await focused();
		if (at.is === "BODY" || at.is === "skip")
			break;
		way.push(at.is);
		if (!at.visible)
			unseen.push(at.is);
	}
	is("keyboard: everything is reached in the order in which it stands", way, ["range", "SUMMARY", "streams-find", "streams-which", "streams-order",
		"streams-scroll", "Exporter", "Rate", "Missing by all", "Heard by", "col-a", "col-b", "col-c", "gaps-all", "gaps-scroll", "gaps-more", "A", "A"]);
	is("keyboard: focus is always seen", unseen, []);

	await page.focus("#streams thead th:nth-child(1) button");
	await page.keyboard.press("Enter");
	is("keyboard: sorts", await page.getAttribute("#streams thead th:nth-child(1)", "aria-sort"), "ascending");
	is("keyboard: by numbers in addresses", (await page.locator("#streams tbody th strong").allInnerTexts()).slice(0, 4), ["192.0.2.1", "192.0.2.2", "192.0.2.17", "192.0.2.33"]);
	await page.keyboard.press("Space");
	is("keyboard: sorts the other way", await page.getAttribute("#streams thead th:nth-child(1)", "aria-sort"), "descending");
	const whole = await page.getAttribute("#plot-missing", "aria-label");
	await page.focus("#ranges input:checked");
	await page.keyboard.press("ArrowLeft");
	check("keyboard: another range", (await page.getAttribute("#plot-missing", "aria-label")) !== whole);
	await page.focus("summary");
	await page.keyboard.press("Enter");
	await page.waitForSelector("#timeline-table tbody tr");
	is("keyboard: the timeline as a table", await page.locator("#timeline-table thead th").count(), 8);
	await accessible(page, "with the table");

	// The pointer: values of a moment, and a part of the time.
	await page.locator("#plot-heard .u-over").scrollIntoViewIfNeeded();
	const box = await page.locator("#plot-heard .u-over").boundingBox();
	await page.mouse.move(box.x + box.width / 2, box.y + 20);
	check("pointer: the moment is told", await until(page, () => /^\d\d:\d\d:\d\d$/.test(document.getElementById("moment").textContent)));
	await page.mouse.down();
	await page.mouse.move(box.x + box.width / 2 + 200, box.y + 20, { steps: 4 });
	await page.mouse.up();
	is("pointer: a part of the time is chosen", await page.locator("#ranges input:checked").count(), 0);
	await close(page, "keyboard");
}

async function many() {
	await show("many");
	const page = await open();
	const took = async (n) => {
		const all = [];
		for (let i = 0; i < n; i++) {
			const was = await page.evaluate(() => performance.getEntriesByName("flowbraid: update").at(-1).startTime);
			await page.waitForFunction((w) => performance.getEntriesByName("flowbraid: update").at(-1)?.startTime > w, was);
			all.push(await page.evaluate(() => {
				const script = performance.getEntriesByName("flowbraid: update").at(-1).duration;
				const begun = performance.now();
				document.body.getBoundingClientRect(); // what it left to be laid out
				return script + performance.now() - begun;
			}));
		}
		return all.sort((a, b) => a - b)[Math.floor(n / 2)];
	};
	is("many: a limited number of rows", await page.locator("#streams tbody tr").count(), 25);
	like("many: of all", await text(page, "#streams-count"), /^25 of 1,000$/);
	like("many: redundancy is that of the worst", await text(page, "#redundancy-title"), /200 worst of 1,000/);
	const few = await took(3);
	await page.fill("#streams-find", "10.3.249.1");
	check("many: one is found that was not among the worst", await until(page, () => document.querySelectorAll("#streams tbody tr").length === 1));
	await page.fill("#streams-find", "");
	const showMore = () => page.click("#streams-more");
	for (const rows of [100, 500, 900, 1000]) {
		await showMore();
		check(`many: ${rows} rows`, await until(page, (n) => document.querySelectorAll("#streams tbody tr").length === n, rows));
	}
	const all = await took(5);
	console.log(`1,000 streams on 3 nodes: an update takes ${few.toFixed(1)} ms with 25 rows, ${all.toFixed(1)} ms with all rows`);
	check("many: an update with all rows takes less than half of a second", all < 500, `${all} ms`);
	await show("more");
	check("many: more than events tell of", await until(page, () =>
		document.getElementById("streams-count").textContent === "1,000 of the worst 1,000 of 1,300"));
	check("many: no more are promised", await page.locator("#streams-more").isHidden());
	await close(page, "many");
}

await run([states, interruption, hostile, phone, keyboard, many], more);
