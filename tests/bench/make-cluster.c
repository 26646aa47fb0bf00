/* SPDX-License-Identifier: ISC
 *
 * make-cluster FOLDER NODES DATAGRAMS [EXPORTERS]: the logs of NODES nodes (FOLDER/1, 2 ...) that heard DATAGRAMS v5
 * datagrams of 30 flows, from ten exporters or so many, at 100,000 datagrams/s, each node with 1 % loss and jitter of its own.
 */
#include <string.h>

#include "base/wr.h"
#include "tests/log-folder.h"

#define PAYLOAD (24 + 30 * 48)

static uint64_t
next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static void
make_payload(uint8_t out[PAYLOAD], uint64_t n, uint64_t exporters)
{
	struct wr w = wr_init(out, PAYLOAD);
	uint64_t state = n;

	wr_u16(&w, 5);
	wr_u16(&w, 30);
	wr_u32(&w, (uint32_t)(1000000 + n / 100));
	wr_u32(&w, (uint32_t)(1700000000 + n / 100000));
	wr_u32(&w, (uint32_t)(n / 100 % 1000 * 1000000));
	wr_u32(&w, (uint32_t)(n / exporters * 30));
	wr_u32(&w, 0);
	while (wr_left(&w) >= 4)
		wr_u32(&w, (uint32_t)next_random(&state));
}

int
main(int argc, char **argv)
{
	bool given = argc == 4 || argc == 5;
	uint64_t count = given ? strtoull(argv[3], NULL, 10) : 0;
	uint64_t exporters = argc == 5 ? strtoull(argv[4], NULL, 10) : 10;
	int nodes = given ? atoi(argv[2]) : 0;

	if (count == 0 || nodes <= 0 || exporters == 0)
		give_up("usage: make-cluster FOLDER NODES DATAGRAMS [EXPORTERS]");
	for (int node = 1; node <= nodes; node++) {
		char path[4096], name[16];
		struct log_folder f;
		uint64_t state = (uint64_t)node;

		snprintf(path, sizeof(path), "%s/%d", argv[1], node);
		snprintf(name, sizeof(name), "%d", node);
		log_folder_open(&f, path, "bench", name, (uint64_t)node);
		f.a.size_limit = (uint64_t)1 << 30;
		for (uint64_t n = 0; n < count; n++) {
			uint8_t payload[PAYLOAD];
			struct record r = {.type = RECORD_DATAGRAM,
			    .port = 2055,
			    .addr = addr_v4(0xc0000201 + (uint32_t)(n % exporters)),
			    .time = {1700000000 * NS_PER_SEC +
				(int64_t)(n * 10000 + next_random(&state) % 50000)},
			    .body = payload,
			    .len = PAYLOAD};

			if (next_random(&state) % 100 == 0)
				continue;
			make_payload(payload, n, exporters);
			log_folder_add(&f, &r);
		}
		log_folder_close(&f, true);
	}
	return 0;
}
