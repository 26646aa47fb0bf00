/* SPDX-License-Identifier: ISC
 *
 * See format.h.
 */
#include "flow/format.h"

#include <string.h>

#define WINDOW 2048
#define SEC_PER_DAY 86400
#define TIME_MOST 30 /* 2026-11-23T10:00:00.000000000Z */

static const char pairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
static const char hex[] = "0123456789abcdef";

void
format_open(struct format *f, struct buf *out, struct flow_context *c)
{
	static uint8_t nowhere[1];
	uint8_t *room = buf_room(out, WINDOW);

	f->out = out;
	f->context = c;
	f->w = room != NULL ? wr_init(room, WINDOW) : wr_init(nowhere, 0);
}

void
format_close(struct format *f)
{
	if (buf_ok(f->out))
		f->out->len -= wr_left(&f->w);
}

void
format_refill(struct format *f, size_t len)
{
	size_t window = len > WINDOW ? len : WINDOW;
	uint8_t *room;

	format_close(f);
	room = buf_room(f->out, window);
	if (room != NULL)
		f->w = wr_init(room, window);
}

/* Without a loop: the number of bits tells it but for one. */
static inline unsigned
count_digits(uint64_t v)
{
	static const uint64_t powers[20] = {0, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
	    1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000,
	    1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000,
	    10000000000000000000U};
	unsigned about = (64 - (unsigned)__builtin_clzll(v | 1)) * 1233 >> 12;

	return about + (v >= powers[about]);
}

uint8_t *
format_digits_long(uint8_t *at, uint64_t v)
{
	unsigned digits = count_digits(v), left = digits;

	while (v > UINT32_MAX) {
		left -= 2;
		memcpy(at + left, pairs + v % 100 * 2, 2);
		v /= 100;
	}
	for (uint32_t small = (uint32_t)v; left > 1; small /= 100) {
		left -= 2;
		memcpy(at + left, pairs + small % 100 * 2, 2);
		v = small / 100;
	}
	if (left == 1)
		at[0] = (uint8_t)('0' + v);
	return at + digits;
}

void
format_i64(struct format *f, int64_t v)
{
	if (v < 0)
		format_char(f, '-');
	format_u64(f, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

/* An octet of an address, and the dot behind it. */
static const char octets[256][4] = {
    "0.",
    "1.",
    "2.",
    "3.",
    "4.",
    "5.",
    "6.",
    "7.",
    "8.",
    "9.",
    "10.",
    "11.",
    "12.",
    "13.",
    "14.",
    "15.",
    "16.",
    "17.",
    "18.",
    "19.",
    "20.",
    "21.",
    "22.",
    "23.",
    "24.",
    "25.",
    "26.",
    "27.",
    "28.",
    "29.",
    "30.",
    "31.",
    "32.",
    "33.",
    "34.",
    "35.",
    "36.",
    "37.",
    "38.",
    "39.",
    "40.",
    "41.",
    "42.",
    "43.",
    "44.",
    "45.",
    "46.",
    "47.",
    "48.",
    "49.",
    "50.",
    "51.",
    "52.",
    "53.",
    "54.",
    "55.",
    "56.",
    "57.",
    "58.",
    "59.",
    "60.",
    "61.",
    "62.",
    "63.",
    "64.",
    "65.",
    "66.",
    "67.",
    "68.",
    "69.",
    "70.",
    "71.",
    "72.",
    "73.",
    "74.",
    "75.",
    "76.",
    "77.",
    "78.",
    "79.",
    "80.",
    "81.",
    "82.",
    "83.",
    "84.",
    "85.",
    "86.",
    "87.",
    "88.",
    "89.",
    "90.",
    "91.",
    "92.",
    "93.",
    "94.",
    "95.",
    "96.",
    "97.",
    "98.",
    "99.",
    "100.",
    "101.",
    "102.",
    "103.",
    "104.",
    "105.",
    "106.",
    "107.",
    "108.",
    "109.",
    "110.",
    "111.",
    "112.",
    "113.",
    "114.",
    "115.",
    "116.",
    "117.",
    "118.",
    "119.",
    "120.",
    "121.",
    "122.",
    "123.",
    "124.",
    "125.",
    "126.",
    "127.",
    "128.",
    "129.",
    "130.",
    "131.",
    "132.",
    "133.",
    "134.",
    "135.",
    "136.",
    "137.",
    "138.",
    "139.",
    "140.",
    "141.",
    "142.",
    "143.",
    "144.",
    "145.",
    "146.",
    "147.",
    "148.",
    "149.",
    "150.",
    "151.",
    "152.",
    "153.",
    "154.",
    "155.",
    "156.",
    "157.",
    "158.",
    "159.",
    "160.",
    "161.",
    "162.",
    "163.",
    "164.",
    "165.",
    "166.",
    "167.",
    "168.",
    "169.",
    "170.",
    "171.",
    "172.",
    "173.",
    "174.",
    "175.",
    "176.",
    "177.",
    "178.",
    "179.",
    "180.",
    "181.",
    "182.",
    "183.",
    "184.",
    "185.",
    "186.",
    "187.",
    "188.",
    "189.",
    "190.",
    "191.",
    "192.",
    "193.",
    "194.",
    "195.",
    "196.",
    "197.",
    "198.",
    "199.",
    "200.",
    "201.",
    "202.",
    "203.",
    "204.",
    "205.",
    "206.",
    "207.",
    "208.",
    "209.",
    "210.",
    "211.",
    "212.",
    "213.",
    "214.",
    "215.",
    "216.",
    "217.",
    "218.",
    "219.",
    "220.",
    "221.",
    "222.",
    "223.",
    "224.",
    "225.",
    "226.",
    "227.",
    "228.",
    "229.",
    "230.",
    "231.",
    "232.",
    "233.",
    "234.",
    "235.",
    "236.",
    "237.",
    "238.",
    "239.",
    "240.",
    "241.",
    "242.",
    "243.",
    "244.",
    "245.",
    "246.",
    "247.",
    "248.",
    "249.",
    "250.",
    "251.",
    "252.",
    "253.",
    "254.",
    "255.",
};

uint8_t *
format_octets(uint8_t *at, const uint8_t bytes[4])
{
	for (int i = 0; i < 4; i++) {
		unsigned v = bytes[i];

		memcpy(at, octets[v], 4);
		at += 2U + (v >= 10) + (v >= 100);
	}
	return at - 1; /* without the last dot */
}

void
format_ipv4(struct format *f, const uint8_t bytes[4])
{
	uint8_t *at = wr_room(&f->w, FORMAT_IPV4_MOST);

	if (at != NULL)
		wr_back(&f->w, (size_t)(at + FORMAT_IPV4_MOST - format_octets(at, bytes)));
}

void
format_addr(struct format *f, const struct addr *a)
{
	char text[ADDR_TEXT_SIZE];

	if (addr_is_v4(a)) {
		format_ipv4(f, a->b + 12);
		return;
	}
	(void)addr_text(a, text);
	wr_bytes(&f->w, text, strlen(text));
}

void
format_ipv6(struct format *f, const uint8_t bytes[16])
{
	struct addr a;

	memcpy(a.b, bytes, sizeof(a.b));
	if (addr_is_v4(&a)) /* a field for IPv6 says so */
		format_literal(f, "::ffff:");
	format_addr(f, &a);
}

void
format_mac(struct format *f, const uint8_t bytes[6])
{
	char text[18];

	for (int i = 0; i < 6; i++) {
		text[3 * i] = hex[bytes[i] >> 4];
		text[3 * i + 1] = hex[bytes[i] & 15];
		text[3 * i + 2] = ':';
	}
	wr_bytes(&f->w, text, 17);
}

static void
put_pair(uint8_t *at, unsigned v)
{
	memcpy(at, pairs + 2 * (size_t)v, 2);
}

/* Flows of a datagram have few dates, so the calendar is asked once for each. */
void
format_time(struct format *f, wall_t t, int digits)
{
	struct flow_context *c = f->context;
	int64_t sec = t.ns / NS_PER_SEC, day = sec / SEC_PER_DAY;
	unsigned in_day = (unsigned)(sec - day * SEC_PER_DAY), ns = (unsigned)(t.ns - sec * NS_PER_SEC);
	char day_text[WALL_TEXT_SIZE];
	uint8_t *text;

	if (t.ns < 0 || digits % 3 != 0 || digits < 0 || digits > 9) {
		(void)wall_text(t, digits, day_text);
		wr_bytes(&f->w, day_text, strlen(day_text));
		return;
	}
	if (c->date_of != day + 1) {
		(void)wall_text(t, 0, day_text);
		memcpy(c->date, day_text, sizeof(c->date));
		c->date_of = day + 1;
	}
	text = wr_room(&f->w, TIME_MOST);
	if (text == NULL)
		return;
	memcpy(text, c->date, sizeof(c->date));
	text[10] = 'T';
	put_pair(text + 11, in_day / 3600);
	text[13] = ':';
	put_pair(text + 14, in_day / 60 % 60);
	text[16] = ':';
	put_pair(text + 17, in_day % 60);
	text[19] = '.';
	for (unsigned at = 20, unit = 1000000; at < 20U + (unsigned)digits; at += 3, unit /= 1000) {
		unsigned three = ns / unit % 1000;

		text[at] = (uint8_t)('0' + three / 100);
		put_pair(text + at + 1, three % 100);
	}
	text[digits > 0 ? 20 + digits : 19] = 'Z';
	wr_back(&f->w, TIME_MOST - (size_t)(digits > 0 ? 21 + digits : 20));
}

void
format_hex(struct format *f, const uint8_t *bytes, size_t len)
{
	uint8_t *at;

	format_need(f, 2 * len + FORMAT_VALUE_MOST);
	at = wr_room(&f->w, 2 * len);
	for (size_t i = 0; at != NULL && i < len; i++) {
		at[2 * i] = (uint8_t)hex[bytes[i] >> 4];
		at[2 * i + 1] = (uint8_t)hex[bytes[i] & 15];
	}
}

void
format_head(struct format *f, enum format_head kind, struct flow_context *c, const struct flow *flow,
    void (*make)(struct format *f, const struct flow_context *c, const struct flow *flow))
{
	struct format head = {.context = c, .w = wr_init(c->head, sizeof(c->head))};

	if (c->head_kind != kind) {
		make(&head, c, flow);
		c->head_len = (uint16_t)wr_len(&head.w);
		c->head_kind = (uint8_t)kind;
	}
	format_need(f, c->head_len + FORMAT_VALUE_MOST);
	wr_bytes(&f->w, c->head, c->head_len);
}
