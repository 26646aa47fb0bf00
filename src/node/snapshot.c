/* SPDX-License-Identifier: ISC
 *
 * Layout: u64 time, u64 monotonic time, u16 lane, u16 listeners, for each u16 length and text; then to the end u16 metric, u16 listener,
 * u64 value. It lives between two processes of one build.
 */
#include "node/snapshot.h"

#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "node/disk.h"
#include "node/intake.h"
#include "node/listener.h"

static const struct metric_info infos[METRIC_COUNT] = {
    [METRIC_RESTARTS] = {"flowbraid_collector_restarts_total", "restarts",
	"Lives of the collector that ended before their time", true, false},
    [METRIC_DATAGRAMS] = {"flowbraid_log_datagrams_total", "datagrams", "Datagrams recorded", true, false},
    [METRIC_BYTES] = {"flowbraid_log_payload_bytes_total", "bytes", "Payload bytes of recorded datagrams",
	true, false},
    [METRIC_REFUSED] = {"flowbraid_refused_packets_total", "refused",
	"Datagrams of sources that are not permitted", true, false},
    [METRIC_UNKNOWN] = {"flowbraid_unknown_packets_total", "unknown", "Datagrams of no known protocol", true,
	false},
    [METRIC_MALFORMED] = {"flowbraid_malformed_packets_total", "malformed",
	"Datagrams recorded that break their protocol's rules", true, false},
    [METRIC_CUT] = {"flowbraid_cut_packets_total", "cut", "Datagrams that were longer than the buffer", true,
	false},
    [METRIC_LOG_DROPS] = {"flowbraid_log_dropped_packets_total", "log_drops",
	"Datagrams not recorded because the disk was too slow, full or failing", true, false},
    [METRIC_STREAMS] = {"flowbraid_streams", "streams", "Streams that are followed", false, false},
    [METRIC_STREAMS_REFUSED] = {"flowbraid_streams_refused_packets_total", "streams_refused",
	"Datagrams of streams beyond the limit, recorded but not followed", true, false},
    [METRIC_STREAMS_EVICTED] = {"flowbraid_streams_evicted_total", "streams_evicted",
	"Streams forgotten for others, with their accounts", true, false},
    [METRIC_GAPS_JOINED] = {"flowbraid_sequence_joined_total", "gaps_joined",
	"Gaps that were joined to others for want of room", true, false},
    [METRIC_SILENT] = {"flowbraid_silent_seconds", "silent", "Time since a datagram was received", false,
	false},
    [METRIC_BEHIND] = {"flowbraid_falling_behind", "falling_behind",
	"1: datagrams were dropped in the last 10 seconds, or a receive buffer is nearly full", false, false},
    [METRIC_LOG_SEGMENT] = {"flowbraid_log_segment", "segment", "Number of the segment being written", false,
	false},
    [METRIC_LOG_RECORDS] = {"flowbraid_log_next_sequence", "next_sequence",
	"Sequence number of the next record", false, false},
    [METRIC_LOG_WRITTEN] = {"flowbraid_log_written_bytes_total", "written_bytes", "Bytes written to segments",
	true, false},
    [METRIC_LOG_SEALED] = {"flowbraid_log_sealed_segments_total", "sealed", "Segments sealed", true, false},
    [METRIC_LOG_FAILURES] = {"flowbraid_log_write_failures_total", "write_failures",
	"Writes, syncs and renames that failed and were tried again", true, false},
    [METRIC_LOG_FAILING] = {"flowbraid_log_failing", "failing", "1: the disk fails now", false, false},
    [METRIC_LOG_REFUSING] = {"flowbraid_log_refusing", "refusing", "1: memory is used up, what comes is lost",
	false, false},
    [METRIC_LOG_UNSURE] = {"flowbraid_log_unsure_bytes_total", "unsure_bytes",
	"Bytes whose sync failed when they had left the memory", true, false},
    [METRIC_LOG_WAITING] = {"flowbraid_log_waiting_bytes", "waiting_bytes",
	"Bytes in memory that wait for the disk", false, false},
    [METRIC_LOG_MEMORY] = {"flowbraid_log_memory_bytes", "memory_bytes", "Memory that may hold what waits",
	false, false},
    [METRIC_LOG_USED] = {"flowbraid_log_memory_used_bytes", "memory_used_bytes", "What of it is not free",
	false, false},
    [METRIC_HOST_DROPS] = {"flowbraid_host_dropped_packets_total", "host_drops",
	"With lanes: datagrams that the kernel dropped, of any program's sockets", true, false},
    [METRIC_LISTENER_DATAGRAMS] = {"flowbraid_listener_packets_total", "datagrams",
	"Datagrams received, whatever became of them", true, true},
    [METRIC_LISTENER_DROPS] = {"flowbraid_udp_in_dropped_packets_total", "kernel_drops",
	"Datagrams that the kernel dropped because the receive buffer was full", true, true},
    [METRIC_LISTENER_OPEN] = {"flowbraid_listener_up", "up",
	"1: receiving; 0: the listener waits for its interface", false, true},
    [METRIC_LISTENER_GROUPS] = {"flowbraid_listener_groups", "groups",
	"Multicast groups that the listener is to join", false, true},
    [METRIC_LISTENER_JOINED] = {"flowbraid_listener_groups_joined", "groups_joined",
	"Groups that it is a member of", false, true},
    [METRIC_LISTENER_SOURCES] = {"flowbraid_listener_sources_joined", "sources_joined",
	"Sources that its group is joined of; 0: of all", false, true},
    [METRIC_LISTENER_BUFFER] = {"flowbraid_receive_buffer_bytes", "receive_buffer",
	"Receive buffer as the kernel counts it", false, true},
    [METRIC_LISTENER_QUEUED] = {"flowbraid_receive_queue_bytes", "receive_queue",
	"What of it holds datagrams that wait", false, true},
};

const struct metric_info *
metric_info(enum metric m)
{
	return &infos[m];
}

/* --- writing --- */

void
snapshot_begin(struct buf *b, wall_t now, mono_t mono, uint16_t lane, const struct conf *conf)
{
	buf_u64(b, (uint64_t)now.ns);
	buf_u64(b, (uint64_t)mono.ns);
	buf_u16(b, lane);
	buf_u16(b, (uint16_t)conf->listener_count);
	for (size_t i = 0; i < conf->listener_count; i++) {
		char text[CONF_LISTENER_TEXT_SIZE];

		conf_listener_name(&conf->listeners[i], text);
		buf_u16(b, (uint16_t)strlen(text));
		buf_text(b, text);
	}
}

void
snapshot_put(struct buf *b, enum metric metric, uint16_t listener, uint64_t value)
{
	buf_u16(b, (uint16_t)metric);
	buf_u16(b, listener);
	buf_u64(b, value);
}

void
snapshot_put_intake(struct buf *b, const struct intake *in)
{
	const struct intake_counters *c = &in->counters;

	snapshot_put(b, METRIC_DATAGRAMS, SNAPSHOT_ALL, c->datagrams);
	snapshot_put(b, METRIC_BYTES, SNAPSHOT_ALL, c->bytes);
	snapshot_put(b, METRIC_REFUSED, SNAPSHOT_ALL, c->refused);
	snapshot_put(b, METRIC_UNKNOWN, SNAPSHOT_ALL, c->unknown);
	snapshot_put(b, METRIC_MALFORMED, SNAPSHOT_ALL, c->malformed);
	snapshot_put(b, METRIC_CUT, SNAPSHOT_ALL, c->cut);
	snapshot_put(b, METRIC_LOG_DROPS, SNAPSHOT_ALL, c->log_drops);
	snapshot_put(b, METRIC_HOST_DROPS, SNAPSHOT_ALL, in->host_drops);
	snapshot_put(b, METRIC_STREAMS, SNAPSHOT_ALL, in->streams.count);
	snapshot_put(b, METRIC_STREAMS_REFUSED, SNAPSHOT_ALL, in->streams.refused);
	snapshot_put(b, METRIC_STREAMS_EVICTED, SNAPSHOT_ALL, in->streams.evicted);
	snapshot_put(b, METRIC_GAPS_JOINED, SNAPSHOT_ALL, in->streams.room.gaps.joined);
	snapshot_put(b, METRIC_LOG_SEGMENT, SNAPSHOT_ALL, in->appender.head.number);
	snapshot_put(b, METRIC_LOG_RECORDS, SNAPSHOT_ALL, in->appender.next_sequence);
	for (size_t i = 0; i < in->listener_count; i++) {
		const struct intake_listener *l = &in->listeners[i];

		snapshot_put(b, METRIC_LISTENER_DATAGRAMS, (uint16_t)i, l->datagrams);
		snapshot_put(b, METRIC_LISTENER_DROPS, (uint16_t)i, l->kernel_drops);
	}
}

void
snapshot_put_disk(struct buf *b, struct disk *d)
{
	struct disk_status s;
	bool failing = false;

	disk_status(d, &s);
	for (int i = 0; i < DISK_WORKS; i++)
		failing |= s.failing[i];
	snapshot_put(b, METRIC_LOG_WRITTEN, SNAPSHOT_ALL, s.store.bytes);
	snapshot_put(b, METRIC_LOG_SEALED, SNAPSHOT_ALL, s.store.sealed);
	snapshot_put(b, METRIC_LOG_FAILURES, SNAPSHOT_ALL, s.store.failures);
	snapshot_put(b, METRIC_LOG_FAILING, SNAPSHOT_ALL, failing);
	snapshot_put(b, METRIC_LOG_REFUSING, SNAPSHOT_ALL, s.refusing);
	snapshot_put(b, METRIC_LOG_UNSURE, SNAPSHOT_ALL, s.unsure);
	snapshot_put(b, METRIC_LOG_WAITING, SNAPSHOT_ALL, s.waiting);
	snapshot_put(b, METRIC_LOG_MEMORY, SNAPSHOT_ALL, s.memory);
	snapshot_put(b, METRIC_LOG_USED, SNAPSHOT_ALL, s.used);
}

bool
snapshot_put_listener(struct buf *b, uint16_t index, const struct listener *l)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);

	snapshot_put(b, METRIC_LISTENER_OPEN, index, l->fd >= 0 && !l->lost);
	snapshot_put(b, METRIC_LISTENER_GROUPS, index, l->multicast);
	snapshot_put(b, METRIC_LISTENER_JOINED, index, l->multicast && l->fd >= 0 && l->joined && !l->lost);
	snapshot_put(b, METRIC_LISTENER_SOURCES, index, l->joined ? l->sources_joined : 0);
	if (l->fd < 0 || getsockopt(l->fd, SOL_SOCKET, SO_MEMINFO, info, &len) != 0 ||
	    len <= SK_MEMINFO_RCVBUF * sizeof(info[0]))
		return false;
	snapshot_put(b, METRIC_LISTENER_BUFFER, index, info[SK_MEMINFO_RCVBUF]);
	snapshot_put(b, METRIC_LISTENER_QUEUED, index, info[SK_MEMINFO_RMEM_ALLOC]);
	return info[SK_MEMINFO_RMEM_ALLOC] > info[SK_MEMINFO_RCVBUF] / 10 * 9;
}

/* --- reading --- */

enum err
snapshot_open(const void *bytes, size_t len, struct snapshot *ret)
{
	struct rd r = rd_init(bytes, len);
	struct snapshot s = {.time = {(int64_t)rd_u64(&r)}};

	s.mono.ns = (int64_t)rd_u64(&r);
	s.lane = rd_u16(&r);
	s.listener_count = rd_u16(&r);
	if (!rd_ok(&r) || s.listener_count > CONF_LISTENERS_MOST)
		return ERR_MALFORMED;
	s.listeners = calloc(s.listener_count + 1U, sizeof(*s.listeners));
	if (s.listeners == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < s.listener_count; i++) {
		uint16_t size = rd_u16(&r);
		struct rd text = rd_sub(&r, size);

		if (size < sizeof(s.listeners[i]))
			rd_copy(&text, s.listeners[i], size);
	}
	if (!rd_ok(&r)) {
		free(s.listeners);
		return ERR_MALFORMED;
	}
	s.values = r;
	*ret = s;
	return ERR_OK;
}

void
snapshot_close(struct snapshot *s)
{
	free(s->listeners);
	s->listeners = NULL;
}

bool
snapshot_next(struct snapshot *s, enum metric *ret, uint16_t *ret_listener, uint64_t *ret_value)
{
	for (;;) {
		unsigned metric = rd_u16(&s->values);

		*ret_listener = rd_u16(&s->values);
		*ret_value = rd_u64(&s->values);
		if (!rd_ok(&s->values))
			return false;
		*ret = (enum metric)metric;
		if (metric < METRIC_COUNT &&
		    (infos[metric].of_listener ? *ret_listener < s->listener_count
					       : *ret_listener == SNAPSHOT_ALL))
			return true;
	}
}
