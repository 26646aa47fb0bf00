# SPDX-License-Identifier: ISC
EXTRA_DIST += \
	tests/page/page.sh \
	tests/page/page.t \
	tests/page/monitor.t \
	tests/page/browser.mjs \
	tests/page/documents.py \
	tests/page/exporter.py \
	tests/page/live.mjs \
	tests/page/look.mjs \
	tests/page/package.json \
	tests/page/package-lock.json \
	tests/page/serve.py
