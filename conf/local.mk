# SPDX-License-Identifier: ISC
dist_example_DATA += \
	conf/clickhouse.sql \
	conf/flowbraid-grafana.json \
	conf/flowbraid-nagios.cfg \
	conf/flowbraid-prometheus.yml \
	conf/flowbraid-rules.yml \
	conf/flowbraid.conf \
	conf/flowbraid.sysctl \
	conf/flowbraid.sysusers \
	conf/flowbraidd-forward.conf \
	conf/flowbraidd-root.conf \
	conf/monitor.conf

# The units know where the program is. The one for several nodes on a host is the same with names of its own.
UNITS = conf/flowbraidd.service conf/flowbraidd@.service conf/flowbraid-monitor.service
if SYSTEMD
systemdsystemunit_DATA = $(UNITS)
else
nodist_example_DATA = $(UNITS)
endif
EXTRA_DIST += conf/flowbraid-monitor.service.in conf/flowbraid-rules-test.yml conf/flowbraidd.service.in
CLEANFILES += $(UNITS)

edit_unit = sed -e 's,[@]sbindir[@],$(sbindir),g' -e 's,[@]bindir[@],$(bindir),g' -e 's,[@]sysconfdir[@],$(sysconfdir),g'
edit_instance = $(edit_unit) -e '/^Description=/s,node,node %i,' -e '/^[A-Z][A-Za-z]*=/s,/flowbraid\.conf$$,/flowbraid/%i.conf,' \
	-e '/^[A-Z][a-z]*Directory=flowbraid$$/s,$$,/%i,' -e 's,/var/log/flowbraid,&/%i,'

conf/flowbraidd.service: conf/flowbraidd.service.in Makefile
	$(AM_V_at)$(MKDIR_P) conf
	$(AM_V_GEN)$(edit_unit) $(srcdir)/conf/flowbraidd.service.in >$@.tmp && mv $@.tmp $@

conf/flowbraidd@.service: conf/flowbraidd.service.in Makefile
	$(AM_V_at)$(MKDIR_P) conf
	$(AM_V_GEN)$(edit_instance) $(srcdir)/conf/flowbraidd.service.in >$@.tmp && mv $@.tmp $@

conf/flowbraid-monitor.service: conf/flowbraid-monitor.service.in Makefile
	$(AM_V_at)$(MKDIR_P) conf
	$(AM_V_GEN)$(edit_unit) $(srcdir)/conf/flowbraid-monitor.service.in >$@.tmp && mv $@.tmp $@

# The Debian packages; dpkg-buildpackage makes them (README.md).
EXTRA_DIST += \
	debian/changelog \
	debian/control \
	debian/copyright \
	debian/flowbraid.install \
	debian/libflowbraid-dev.install \
	debian/libflowbraid-perl.examples \
	debian/libflowbraid0.install \
	debian/libflowbraid0.symbols \
	debian/not-installed \
	debian/python3-flowbraid.examples \
	debian/rules \
	debian/source/format
