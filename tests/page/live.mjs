// SPDX-License-Identifier: ISC
// Looks at the page of a monitor of three nodes, col-a to col-c, which hear three exporters, and tells the exporters and the nodes what to do.
//
//	node live.mjs FOLDER-OF-MODULES ADDRESS FOLDER-FOR-SCREENSHOTS CHROMIUM PIPE-TO-EXPORTERS PID-OF-COL-B

import fs from "node:fs";
import { accessible, check, close, headline, is, like, more, open, run, shoot, text, texts, until } from "./browser.mjs";

const [pipe, pid] = more;
const tell = (command) => fs.writeFileSync(pipe, `${command}\n`);
const words = (page, id, wanted) => until(page, ([i, w]) => document.getElementById(i).textContent === w, [id, wanted]);
const state = (page, node, wanted) => until(page, ([n, w]) =>
	document.querySelectorAll("#nodes .state")[n]?.textContent.trim() === w, [node, wanted]);

async function cluster() {
	const page = await open();
	check("a cluster that is whole", await until(page, () => document.getElementById("headline").textContent === "Whole" &&
		document.querySelectorAll("#streams tbody tr").length === 3), await text(page, "#health"));
	is("its nodes", await texts(page, "#nodes h3"), ["col-a", "col-b", "col-c"]);
	is("its exporters", (await texts(page, "#streams tbody th strong")).sort(), ["127.0.1.1", "127.0.1.2", "127.0.1.3"]);

	tell("lose 1 20");
	await headline(page, "Thinner");
	check("the node that misses some", await state(page, 1, "up, with loss"));
	is("the others do not", [(await texts(page, "#nodes .state"))[0], (await texts(page, "#nodes .state"))[2]], ["up", "up"]);
	is("nothing is missing by all", await text(page, "#figure-residual"), "0");
	check("gaps of that node", await until(page, () => document.querySelector("#gaps tbody .by")?.textContent === "col-b"));

	process.kill(Number(pid), "SIGKILL");
	check("the node that was killed", await state(page, 1, "down"));
	check("two are up", await words(page, "figure-nodes", "2 of 3"));
	check("what befell it", await until(page, () => /col-b [^;]*down/.test(document.getElementById("plot-trouble").getAttribute("aria-label"))));
	like("and nothing is lost", await text(page, "#headline"), /^Thinner$/);

	tell("hole 7");
	await headline(page, "Losing");
	check("what is missing by all, to the datagram", await words(page, "figure-residual", "21"), await text(page, "#figure-residual"));
	is("of each exporter", (await texts(page, "#streams tbody .residual")).map((t) => t.replace(/ \(.*/, "")), ["7 flows", "7 flows", "7 flows"]);
	check("gaps of all", await until(page, () => document.querySelector("#gaps tbody .by.bad")?.textContent === "all nodes"));
	await shoot(page, "live");
	await accessible(page, "the monitor's page");
	await close(page, "the monitor's page");
}

await run([cluster], []);
