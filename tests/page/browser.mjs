// SPDX-License-Identifier: ISC
// What those who look at the monitor's page share: a browser whose every complaint counts, and "ok WHAT" or "not ok WHAT".

import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

// As the tests call us.
export const [modules, address, shots, executablePath, ...more] = process.argv.slice(2);
const require = createRequire(path.join(modules, "browser.cjs"));
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const PATIENCE = 20000;
let failed = 0;

export function check(what, good, ...told) {
	console.log(`${good ? "ok" : "not ok"} ${what}`);
	if (!good) {
		failed++;
		for (const t of told)
			console.log(typeof t === "string" ? t : JSON.stringify(t));
	}
}

export const is = (what, got, want) => check(what, JSON.stringify(got) === JSON.stringify(want), { got, want });
export const like = (what, got, want) => check(what, want.test(got), `got ${got}, want ${want}`);

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
const complaints = []; // of any page
let expected = /^$/; // what the browser may say just now

export const expect = (pattern) => expected = pattern ?? /^$/;

export async function open(options = {}) {
	const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light", timezoneId: "Europe/Berlin", ...options });
	const page = await context.newPage();
	page.setDefaultTimeout(PATIENCE);
	page.on("console", (m) => {
		if (["error", "warning"].includes(m.type()) && !expected.test(m.text()))
			complaints.push(m.text());
	});
	page.on("pageerror", (e) => complaints.push(e.stack));
	page.on("request", (r) => {
		if (!r.url().startsWith(address) && !r.url().startsWith("data:"))
			complaints.push(`asked elsewhere: ${r.url()}`);
	});
	await page.addInitScript(() => {
		window.violations = [];
		document.addEventListener("securitypolicyviolation", (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
	});
	await page.goto(address);
	await page.waitForSelector("[data-link=live]");
	return page;
}

// Spaces are spaces, whether a line may break there or not.
export const plain = (t) => t.replace(/\s+/g, " ").trim();
export const text = async (page, selector) => plain(await page.locator(selector).first().innerText());
export const texts = async (page, selector) => (await page.locator(selector).allInnerTexts()).map(plain);
export const headline = (page, word) => page.waitForFunction((w) => document.getElementById("headline").textContent === w, word);
export const until = (page, what, ...args) => page.waitForFunction(what, ...args).then(() => true, () => false);

export async function close(page, what) {
	is(`${what}: nothing against the content security policy`, await page.evaluate(() => window.violations), []);
	await page.context().close();
}

export async function accessible(page, what) {
	await page.evaluate(axe);
	const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
	const grave = found.violations.filter((v) => ["serious", "critical"].includes(v.impact));
	check(`${what}: accessible`, grave.length === 0 && found.passes.length > 10,
		...grave.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 4).map((n) => `${n.html.slice(0, 160)} ${n.failureSummary}`).join("; ")}`));
	for (const v of found.violations.filter((v) => !grave.includes(v)))
		console.log(`${what}: ${v.impact}: ${v.id}: ${v.help}: ${v.nodes[0].html.slice(0, 160)}`);
}

export const sideways = (page) => page.evaluate(() => {
	const room = document.documentElement.clientWidth;
	return document.documentElement.scrollWidth <= room ? "" : [...document.querySelectorAll("main *")]
		.filter((e) => e.getBoundingClientRect().right > room + 1).slice(0, 3).map((e) => e.outerHTML.slice(0, 120)).join("\n");
});

export async function shoot(page, name) {
	await page.mouse.move(2, 2);
	await page.evaluate(() => {
		document.activeElement.blur();
		scrollTo(0, 0);
	});
	const { width, height } = page.viewportSize();
	await page.screenshot({ path: path.join(shots, `${name}.png`), fullPage: true, clip: { x: 0, y: 0, width, height: width > 1000 ? 1500 : height } });
	await page.screenshot({ path: path.join(shots, `${name}-full.png`), fullPage: true });
}

// Does all parts, or those that are named, and ends.
export async function run(parts, names) {
	for (const part of parts.filter((p) => names.length === 0 || names.includes(p.name))) {
		const begun = Date.now();
		try {
			await part();
		} catch (e) {
			check(`${part.name}: to its end`, false, ...e.stack.split("\n"));
		}
		console.log(`${part.name}: ${((Date.now() - begun) / 1000).toFixed(1)} s`);
	}
	await browser.close();
	is("the browser has nothing to complain of", complaints, []);
	process.exit(failed > 0 ? 1 : 0);
}
