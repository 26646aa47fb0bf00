# SPDX-License-Identifier: ISC
#
# libflowbraid.so. The layers' objects are position-independent and their symbols hidden, for the programs as for the library, so
# each is compiled once. One link with a version script is all that libtool would do here.
noinst_LIBRARIES += src/api/libfb-api.a
src_api_libfb_api_a_SOURCES = \
	src/api/api.h \
	src/api/field.c \
	src/api/reader.c \
	src/api/text.c

api_version = 0
api_name = libflowbraid.so
api_soname = $(api_name).$(api_version)
api_file = $(api_soname).1.0
api_archives = src/api/libfb-api.a src/archive/libfb-archive.a src/log/libfb-log.a src/flow/libfb-flow.a \
	src/wire/libfb-wire.a src/base/libfb-base.a

# All of the API's objects, and of the others those that these need.
$(api_file): $(api_archives) $(srcdir)/src/api/flowbraid.map
	$(AM_V_CCLD)$(CC) $(AM_CFLAGS) $(CFLAGS) -shared -Wl,-soname,$(api_soname) \
		-Wl,--version-script,$(srcdir)/src/api/flowbraid.map $(API_LDFLAGS) $(AM_LDFLAGS) $(LDFLAGS) -o $@ \
		-Wl,--whole-archive src/api/libfb-api.a -Wl,--no-whole-archive $(LIBFB_ARCHIVE) $(LIBS)
	@ln -sf $(api_file) $(api_soname) && ln -sf $(api_soname) $(api_name)

all-local: $(api_file)
CLEANFILES += $(api_name) $(api_soname) $(api_file)

install-exec-local: $(api_file)
	$(MKDIR_P) '$(DESTDIR)$(libdir)'
	$(INSTALL_PROGRAM) $(api_file) '$(DESTDIR)$(libdir)/$(api_file)'
	chmod 644 '$(DESTDIR)$(libdir)/$(api_file)'
	ln -sf $(api_file) '$(DESTDIR)$(libdir)/$(api_soname)'
	ln -sf $(api_soname) '$(DESTDIR)$(libdir)/$(api_name)'

uninstall-local:
	rm -f '$(DESTDIR)$(libdir)/$(api_file)' '$(DESTDIR)$(libdir)/$(api_soname)' '$(DESTDIR)$(libdir)/$(api_name)'

pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA += src/api/libflowbraid.pc
public_HEADERS += include/flowbraid/flowbraid.h
dist_man_MANS += man/libflowbraid.3
EXTRA_DIST += src/api/flowbraid.map
