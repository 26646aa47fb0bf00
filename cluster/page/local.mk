# SPDX-License-Identifier: ISC
#
# The page of flowbraid monitor: files as they are, and uPlot, which npm fetches as package-lock.json has it. A release has uPlot in
# it, so npm is for those who build from a clone.
PAGE_OWN = \
	cluster/page/index.html \
	cluster/page/style.css \
	cluster/page/app.js \
	cluster/page/dom.js \
	cluster/page/feed.js \
	cluster/page/gaps.js \
	cluster/page/health.js \
	cluster/page/model.js \
	cluster/page/nodes.js \
	cluster/page/streams.js \
	cluster/page/text.js \
	cluster/page/timeline.js
PAGE_UPLOT = cluster/page/uPlot.esm.js cluster/page/uPlot.min.css cluster/page/uPlot.LICENSE

EXTRA_DIST += docs/monitor-light.png docs/monitor-dark.png docs/monitor-phone.png
EXTRA_DIST += $(PAGE_OWN) $(PAGE_UPLOT) cluster/page/package.json cluster/page/package-lock.json
MAINTAINERCLEANFILES += $(PAGE_UPLOT)

if PAGE
pagedir = $(pkgdatadir)/monitor
page_DATA = $(PAGE_OWN) $(PAGE_UPLOT)
noinst_DATA += cluster/page/site/index.html
endif
CLEANFILES += cluster/page/site/*

# uPlot.esm.js comes last, and is the youngest but for those that depend on it: when it is there, all are.
cluster/page/uPlot.esm.js: cluster/page/package.json cluster/page/package-lock.json
	$(AM_V_at)test -n "$(NPM)" || { echo "npm is needed to fetch uPlot for the monitor's page; configure --without-page builds without the page" >&2; exit 1; }
	$(AM_V_at)$(MKDIR_P) cluster/page && rm -rf cluster/page/npm && mkdir cluster/page/npm
	$(AM_V_at)cp $(srcdir)/cluster/page/package.json $(srcdir)/cluster/page/package-lock.json cluster/page/npm
	$(AM_V_GEN)(cd cluster/page/npm && $(NPM) ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error >npm.log 2>&1) || \
		{ cat cluster/page/npm/npm.log >&2; echo "npm cannot fetch uPlot; configure --without-page builds without the monitor's page" >&2; exit 1; }
	$(AM_V_at)cd cluster/page/npm/node_modules/uplot && touch dist/uPlot.esm.js && touch dist/uPlot.min.css LICENSE
	$(AM_V_at)cd cluster/page && mv npm/node_modules/uplot/LICENSE uPlot.LICENSE && mv npm/node_modules/uplot/dist/uPlot.min.css . && \
		mv npm/node_modules/uplot/dist/uPlot.esm.js . && rm -rf npm

cluster/page/uPlot.min.css cluster/page/uPlot.LICENSE: cluster/page/uPlot.esm.js
	$(AM_V_at)test -f $@ || { rm -f cluster/page/uPlot.esm.js && $(MAKE) $(AM_MAKEFLAGS) cluster/page/uPlot.esm.js; }

# The page in one folder, as it is installed: for tests, and for a monitor that is run from the build.
cluster/page/site/index.html: $(PAGE_OWN) $(PAGE_UPLOT)
	$(AM_V_at)rm -rf cluster/page/site cluster/page/site.new && $(MKDIR_P) cluster/page/site.new
	$(AM_V_GEN)for file in $(PAGE_UPLOT) $(PAGE_OWN); do \
		if test -f $$file; then cp $$file cluster/page/site.new; else cp $(srcdir)/$$file cluster/page/site.new; fi || exit 1; \
	done && mv cluster/page/site.new cluster/page/site
