// SPDX-License-Identifier: ISC
// Numbers and times as the page writes them: one way for each kind, everywhere.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const digits = [2, 1, 0].map((n) => new Intl.NumberFormat("en", { minimumFractionDigits: n, maximumFractionDigits: n }));
const UNITS = [["", 1], ["k", 1e3], ["M", 1e6], ["G", 1e9], ["T", 1e12]];

export const count = (n) => whole.format(n);

// Three digits that matter: 7, 0.42, 41.2 k.
export function short(n) {
	if (n < 10)
		return n === 0 || n >= 9.95 || Number.isInteger(n) ? whole.format(n) : digits[n < 1 ? 0 : 1].format(n);
	let [unit, size] = UNITS[0];
	for (const [name, at] of UNITS) {
		if (n >= at * 0.9995)
			[unit, size] = [name, at];
	}
	const value = n / size;
	if (unit === "")
		return whole.format(value);
	return `${digits[value < 9.995 ? 0 : value < 99.95 ? 1 : 2].format(value)}\u00a0${unit}`;
}

// Of an axis: no more digits than tell it from its neighbours.
export const tick = (n) => (n === null ? "" : short(n).replace(/\.0+(?=\D|$)|(\.\d*[1-9])0+(?=\D|$)/, "$1"));

export const rate = (n) => `${short(n)}/s`;

// Never rounds something to nothing, nor nearly all to all.
export function percent(p) {
	if (p <= 0)
		return "0\u00a0%";
	if (p < 0.01)
		return "<0.01\u00a0%";
	if (p > 99.9 && p < 100)
		return ">99.9\u00a0%";
	if (p >= 100)
		return "100\u00a0%";
	return `${digits[p < 10 ? 0 : 1].format(p)}\u00a0%`;
}

export function duration(seconds) {
	const s = Math.abs(seconds);
	if (s > 0 && s < 0.0995)
		return `${digits[s < 0.00995 ? 1 : 2].format(s * 1e3)}\u00a0ms`;
	if (s < 10)
		return `${digits[1].format(s).replace(/\.0$/, "")}\u00a0s`;
	if (s < 120)
		return `${whole.format(s)}\u00a0s`;
	if (s < 7200)
		return `${whole.format(s / 60)}\u00a0min`;
	if (s < 172800)
		return `${digits[1].format(s / 3600).replace(/\.0$/, "")}\u00a0h`;
	return `${whole.format(s / 86400)}\u00a0d`;
}

export function plural(n, one, many = `${one}s`) {
	return `${count(n)}\u00a0${n === 1 ? one : many}`;
}

// What is counted, for a number of it.
export function units(n, unit) {
	return `${count(n)} ${n === 1 && unit.endsWith("s") ? unit.slice(0, -1) : unit}`;
}

let zone; // undefined: the reader's own
let formats = {};

export function setZone(utc) {
	zone = utc ? "UTC" : undefined;
	formats = {};
}

function format(name, options) {
	formats[name] ??= new Intl.DateTimeFormat("en-GB", { hourCycle: "h23", timeZone: zone, ...options });
	return formats[name];
}

const HM = { hour: "2-digit", minute: "2-digit" };
const HMS = { ...HM, second: "2-digit" };
const DAY = { day: "numeric", month: "short" };

export const hourMinute = (t) => format("hm", HM).format(t * 1e3);
export const clock = (t) => format("hms", HMS).format(t * 1e3);

// With its day when that is not today's.
export function moment(t, now) {
	const day = format("day", DAY);
	const of = day.format(t * 1e3);
	return of === day.format(now * 1e3) ? clock(t) : `${of} ${clock(t)}`;
}

export function zoneName() {
	return format("zone", { ...HM, timeZoneName: "short" }).formatToParts(0).find((p) => p.type === "timeZoneName")?.value ?? "";
}

export function protocol(version) {
	if (version === "10")
		return "IPFIX";
	if (version === "sflow5")
		return "sFlow v5";
	return /^\d+$/.test(version) ? `NetFlow v${version}` : version;
}
