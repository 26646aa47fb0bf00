# SPDX-License-Identifier: ISC
# shellcheck shell=sh
#
# Certificates and password files for tests of what is served, in the folder $K.

# certificate NAME CA [EXTENSION]: a key and a certificate of CA (NAME itself: self-signed, a CA).
certificate()
{
	if [ "$1" = "$2" ]; then
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=$1" \
			-addext basicConstraints=critical,CA:TRUE -keyout "$K/$1.key" -out "$K/$1.pem" 2>/dev/null
		return
	fi
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$K/$1.key" \
		-out "$K/$1.csr" 2>/dev/null
	echo "${3-basicConstraints=CA:FALSE}" >"$K/$1.ext"
	openssl x509 -req -in "$K/$1.csr" -CA "$K/$2.pem" -CAkey "$K/$2.key" -CAcreateserial -days 30 -extfile "$K/$1.ext" \
		-out "$K/$1.pem" 2>/dev/null
}

# hashed PASSWORD [bcrypt]: with crypt(3).
hashed()
{
	if [ "${2-}" = bcrypt ]; then
		python3 -W ignore -c 'import crypt, sys; print(crypt.crypt(sys.argv[1], crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=1 << 10)))' "$1"
	else
		openssl passwd -6 "$1"
	fi
}
