// SPDX-License-Identifier: ISC
// Changes of the page, as few as possible: what has not changed is not written, so that an update of a large table lays out
// little. Text goes in as text; nothing here makes markup of a string.

export const byId = (id) => document.getElementById(id);

export function el(tag, attributes = {}, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes))
		node.setAttribute(name, value);
	node.append(...children);
	return node;
}

const SVG = "http://www.w3.org/2000/svg";

export function shape(name) {
	const svg = document.createElementNS(SVG, "svg");
	svg.setAttribute("class", "shape");
	svg.setAttribute("aria-hidden", "true");
	svg.append(document.createElementNS(SVG, "use"));
	setShape(svg, name);
	return svg;
}

export function setShape(svg, name) {
	setAttribute(svg.firstElementChild ?? svg, "href", `#shape-${name}`);
}

export function setText(node, text) {
	const first = node.firstChild;
	if (text === "")
		node.replaceChildren();
	else if (first === null)
		node.append(text);
	else if (first.data !== text)
		first.data = text;
}

export function setAttribute(node, name, value) {
	if (value === null || value === undefined || value === false) {
		if (node.hasAttribute(name))
			node.removeAttribute(name);
	} else if (node.getAttribute(name) !== String(value)) {
		node.setAttribute(name, value);
	}
}

export function setClass(node, name) {
	if (node.className !== name)
		node.className = name;
}

export function setHidden(node, hidden) {
	if (node.hidden !== hidden)
		node.hidden = hidden;
}

// A list whose items keep their nodes: make() gives { node, ... }, update(it, item) fills it.
export class Keyed {
	constructor(parent, make, update) {
		this.parent = parent;
		this.make = make;
		this.update = update;
		this.kept = new Map();
	}

	show(items, keyOf) {
		const next = new Map();
		for (const item of items) {
			let key = keyOf(item);
			while (next.has(key)) // two of a name: both are shown
				key += "\u0000";
			const it = this.kept.get(key) ?? this.make(item);
			this.update(it, item);
			next.set(key, it);
		}
		for (const [key, it] of this.kept) {
			if (!next.has(key))
				it.node.remove();
		}
		let at = this.parent.firstChild;
		for (const it of next.values()) {
			if (it.node === at)
				at = at.nextSibling;
			else
				this.parent.insertBefore(it.node, at);
		}
		this.kept = next;
	}

	clear() {
		this.show([], String);
	}
}
