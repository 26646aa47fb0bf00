# SPDX-License-Identifier: ISC
EXTRA_DIST += \
	tests/page/page.t \
	tests/page/documents.py \
	tests/page/look.mjs \
	tests/page/package.json \
	tests/page/package-lock.json \
	tests/page/serve.py
