#!/bin/sh
# SPDX-License-Identifier: ISC
# The Debian packages: their version is the release's, debhelper reads their files, and each file that make installs is in one of them.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_commands make dpkg-parsechangelog dpkg-gensymbols dh_listpackages dh_clean dh_install dh_installexamples dh_missing

# A copy, without what a build of the packages left behind.
cp -R "$SRCDIR/debian" "$T/debian"
ln -s "$SRCDIR/python" "$SRCDIR/perl" "$T"
cd "$T" || exit 99
run dh_clean
is "$status $err" "0 " "debhelper reads debian/control"
run dpkg-parsechangelog -S Version
is "$out" "$(sed -n 's/^AC_INIT(\[flowbraid\], \[\(.*\)\])$/\1/p' "$SRCDIR/configure.ac")" "the changelog's version is configure's" || diag "$err"
is "$(sed -n 's/^version = "\(.*\)"$/\1/p' "$SRCDIR/python/pyproject.toml")" "$out" "and that of the module for Python"
run dh_listpackages
is "$(printf '%s\n' "$out" | sort | paste -sd' ')" "flowbraid libflowbraid-dev libflowbraid-perl libflowbraid0 python3-flowbraid" \
	"and finds the packages" || diag "$err"
for name in $(find debian -type f | sort); do
	check "$name is in a release" grep -Fqx -e "	$name \\" -e "	$name" "$SRCDIR/conf/local.mk"
done

# As debian/rules installs it, but for what the build folder was configured with.
lib=/usr/lib/$(dpkg-architecture -q DEB_HOST_MULTIARCH)
run make -s -C "$BUILDDIR" install DESTDIR="$T/debian/tmp" prefix=/usr sysconfdir=/etc libdir="$lib" mandir=/usr/share/man \
	systemdsystemunitdir=/lib/systemd/system
is "$status" 0 "make install" || diag "$err"
examples=debian/tmp/usr/share/doc/flowbraid/examples
if [ -f $examples/flowbraidd.service ]; then
	mkdir -p debian/tmp/lib/systemd/system
	mv $examples/*.service debian/tmp/lib/systemd/system
fi
if [ ! -d debian/tmp/usr/share/flowbraid/monitor ]; then
	diag "built without the monitor's page"
	sed -i '/^usr\/share\/flowbraid\/monitor/d' debian/*.install debian/not-installed
fi

run dh_install
is "$status $err" "0 " "each file of debian/*.install is installed"
run dh_installexamples
is "$status $err" "0 " "each file of debian/*.examples is there"
run dh_missing --fail-missing
is "$status $err" "0 " "each file that is installed is in a package, or in debian/not-installed"
for file in flowbraid/usr/sbin/flowbraidd flowbraid/lib/systemd/system/flowbraidd@.service libflowbraid0"$lib"/libflowbraid.so.0 \
	libflowbraid-dev/usr/include/flowbraid/flowbraid.h; do
	check "${file##*/} is in ${file%%/*}" [ -e "debian/$file" ]
done
run dpkg-gensymbols -c4 -plibflowbraid0 -Pdebian/libflowbraid0
is "$status $err" "0 " "the library has the versions that debian/libflowbraid0.symbols tells"
done_testing
