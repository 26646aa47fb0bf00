// SPDX-License-Identifier: ISC
// Documents from the monitor, by server-sent events. The browser reconnects by itself after an interruption, but not after a refusal
// (a restarting proxy's 502), and it does not notice a connection over which nothing comes any more; this does.

const AGAIN_FIRST = 1000;
const AGAIN_MOST = 15000;

export class Feed {
	// onDocument(text of one document) -> whether it was understood; onState("connecting" | "live" | "lost", why)
	constructor(onDocument, onState) {
		this.onDocument = onDocument;
		this.onState = onState;
		this.streams = 0; // how many are asked for; 0: as many as the monitor thinks fit
		this.wait = AGAIN_FIRST;
		this.usual = 1000; // between two documents
		this.heard = performance.now();
		this.source = null;
		this.timer = 0;
	}

	open() {
		this.close();
		this.heard = performance.now();
		const source = new EventSource(this.streams > 0 ? `events?streams=${this.streams}` : "events");
		this.source = source;
		this.answered = false; // since it was asked for so many streams
		source.onmessage = (event) => {
			const now = performance.now();
			this.usual = Math.max(1000, Math.min(60000, now - this.heard));
			this.heard = now;
			this.wait = AGAIN_FIRST;
			this.answered = true;
			if (this.onDocument(event.data))
				this.onState("live", "");
			else
				this.onState("lost", "The monitor’s answer cannot be understood; reload the page when the monitor is a new one");
		};
		source.onerror = () => {
			this.onState("lost", "Not connected to the monitor");
			if (source.readyState === EventSource.CLOSED)
				this.again();
		};
	}

	close() {
		clearTimeout(this.timer);
		this.source?.close();
		this.source = null;
	}

	again() {
		this.close();
		this.timer = setTimeout(() => this.open(), this.wait);
		this.wait = Math.min(AGAIN_MOST, this.wait * 2);
	}

	// To be called every second or so.
	watch() {
		const silent = performance.now() - this.heard;
		if (this.source === null || silent < Math.max(15000, this.usual * 3))
			return;
		this.onState("lost", "The monitor has fallen silent");
		if (this.source.readyState === EventSource.OPEN)
			this.again();
	}

	ask(streams) {
		if (streams === this.streams)
			return;
		this.streams = streams;
		this.open();
	}
}
