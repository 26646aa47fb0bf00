/* SPDX-License-Identifier: ISC
 *
 * Layout: u64 time, u64 monotonic time, u16 lane, u16 names, for each u16 length and text; then to the end u16 metric, u16 name,
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

#define NAMES_MOST CONF_LISTENERS_MOST
_Static_assert(CONF_FORWARDS_MOST + CONF_FEEDS_MOST <= NAMES_MOST, "names of outputs");

static const struct metric_info infos[METRIC_COUNT] = {
    [METRIC_RESTARTS] = {"flowbraid_collector_restarts_total", "restarts",
	"Lives of the collector that ended before their time", true, METRIC_OF_LANE},
    [METRIC_DATAGRAMS] = {"flowbraid_log_datagrams_total", "datagrams", "Datagrams recorded", true,
	METRIC_OF_LANE},
    [METRIC_BYTES] = {"flowbraid_log_payload_bytes_total", "bytes", "Payload bytes of recorded datagrams",
	true, METRIC_OF_LANE},
    [METRIC_REFUSED] = {"flowbraid_refused_packets_total", "refused",
	"Datagrams of sources that are not permitted", true, METRIC_OF_LANE},
    [METRIC_UNKNOWN] = {"flowbraid_unknown_packets_total", "unknown", "Datagrams of no known protocol", true,
	METRIC_OF_LANE},
    [METRIC_MALFORMED] = {"flowbraid_malformed_packets_total", "malformed",
	"Datagrams recorded that break their protocol's rules", true, METRIC_OF_LANE},
    [METRIC_CUT] = {"flowbraid_cut_packets_total", "cut", "Datagrams that were longer than the buffer", true,
	METRIC_OF_LANE},
    [METRIC_LOG_DROPS] = {"flowbraid_log_dropped_packets_total", "log_drops",
	"Datagrams not recorded because the disk was too slow, full or failing", true, METRIC_OF_LANE},
    [METRIC_STREAMS] = {"flowbraid_streams", "streams", "Streams that are followed", false, METRIC_OF_LANE},
    [METRIC_STREAMS_REFUSED] = {"flowbraid_streams_refused_packets_total", "streams_refused",
	"Datagrams of streams beyond the limit, recorded but not followed", true, METRIC_OF_LANE},
    [METRIC_STREAMS_EVICTED] = {"flowbraid_streams_evicted_total", "streams_evicted",
	"Streams forgotten for others, with their accounts", true, METRIC_OF_LANE},
    [METRIC_GAPS_JOINED] = {"flowbraid_sequence_joined_total", "gaps_joined",
	"Gaps that were joined to others for want of room", true, METRIC_OF_LANE},
    [METRIC_SILENT] = {"flowbraid_silent_seconds", "silent", "Time since a datagram was received", false,
	METRIC_OF_LANE},
    [METRIC_BEHIND] = {"flowbraid_falling_behind", "falling_behind",
	"1: datagrams were dropped in the last 10 seconds, or a receive buffer is nearly full", false,
	METRIC_OF_LANE},
    [METRIC_LOG_SEGMENT] = {"flowbraid_log_segment", "segment", "Number of the segment being written", false,
	METRIC_OF_LANE},
    [METRIC_LOG_RECORDS] = {"flowbraid_log_next_sequence", "next_sequence",
	"Sequence number of the next record", false, METRIC_OF_LANE},
    [METRIC_LOG_WRITTEN] = {"flowbraid_log_written_bytes_total", "written_bytes", "Bytes written to segments",
	true, METRIC_OF_LANE},
    [METRIC_LOG_SEALED] = {"flowbraid_log_sealed_segments_total", "sealed", "Segments sealed", true,
	METRIC_OF_LANE},
    [METRIC_LOG_FAILURES] = {"flowbraid_log_write_failures_total", "write_failures",
	"Writes, syncs and renames that failed and were tried again", true, METRIC_OF_LANE},
    [METRIC_LOG_FAILING] = {"flowbraid_log_failing", "failing", "1: the disk fails now", false,
	METRIC_OF_LANE},
    [METRIC_LOG_REFUSING] = {"flowbraid_log_refusing", "refusing", "1: memory is used up, what comes is lost",
	false, METRIC_OF_LANE},
    [METRIC_LOG_UNSURE] = {"flowbraid_log_unsure_bytes_total", "unsure_bytes",
	"Bytes whose sync failed when they had left the memory", true, METRIC_OF_LANE},
    [METRIC_LOG_WAITING] = {"flowbraid_log_waiting_bytes", "waiting_bytes",
	"Bytes in memory that wait for the disk", false, METRIC_OF_LANE},
    [METRIC_LOG_MEMORY] = {"flowbraid_log_memory_bytes", "memory_bytes", "Memory that may hold what waits",
	false, METRIC_OF_LANE},
    [METRIC_LOG_USED] = {"flowbraid_log_memory_used_bytes", "memory_used_bytes", "What of it is not free",
	false, METRIC_OF_LANE},
    [METRIC_HOST_DROPS] = {"flowbraid_host_dropped_packets_total", "host_drops",
	"With lanes: datagrams that the kernel dropped, of any program's sockets", true, METRIC_OF_LANE},
    [METRIC_POLICY_KEPT] = {"flowbraid_policy_kept_flows_total", "policy_kept", "Flows that the policy keeps",
	true, METRIC_OF_LANE},
    [METRIC_POLICY_DROPPED] = {"flowbraid_policy_dropped_flows_total", "policy_dropped",
	"Flows that the policy drops", true, METRIC_OF_LANE},
    [METRIC_POLICY_UNMATCHED] = {"flowbraid_policy_unmatched_flows_total", "policy_unmatched",
	"Flows that no rule of the policy matched", true, METRIC_OF_LANE},
    [METRIC_POLICY_SELECTED] = {"flowbraid_policy_selected_datagrams_total", "policy_selected",
	"Datagrams of which selected flows were recorded", true, METRIC_OF_LANE},
    [METRIC_POLICY_WHOLE] = {"flowbraid_policy_whole_datagrams_total", "policy_whole",
	"Datagrams recorded whole, as not all of them could be decoded", true, METRIC_OF_LANE},
    [METRIC_RULE_EVALUATIONS] = {"flowbraid_policy_rule_evaluations_total", "evaluations",
	"Flows that a rule of the policy was asked about", true, METRIC_OF_RULE},
    [METRIC_RULE_MATCHES] = {"flowbraid_policy_rule_matches_total", "matches",
	"Flows that a rule of the policy matched", true, METRIC_OF_RULE},
    [METRIC_RULE_WINS] = {"flowbraid_policy_rule_wins_total", "wins",
	"Flows that a rule of the policy decided about", true, METRIC_OF_RULE},
    [METRIC_RELAY_DATAGRAMS] = {"flowbraid_relay_packets_total", "relayed",
	"Datagrams handed to the relay, for forward and feed", true, METRIC_OF_LANE},
    [METRIC_RELAY_LOST] = {"flowbraid_relay_dropped_packets_total", "relay_lost",
	"Datagrams that the relay had no room for, lost to forward and feed alone", true, METRIC_OF_LANE},
    [METRIC_LISTENER_DATAGRAMS] = {"flowbraid_listener_packets_total", "datagrams",
	"Datagrams received, whatever became of them", true, METRIC_OF_LISTENER},
    [METRIC_LISTENER_DROPS] = {"flowbraid_udp_in_dropped_packets_total", "kernel_drops",
	"Datagrams that the kernel dropped because the receive buffer was full", true, METRIC_OF_LISTENER},
    [METRIC_LISTENER_OPEN] = {"flowbraid_listener_up", "up",
	"1: receiving; 0: the listener waits for its interface", false, METRIC_OF_LISTENER},
    [METRIC_LISTENER_GROUPS] = {"flowbraid_listener_groups", "groups",
	"Multicast groups that the listener is to join", false, METRIC_OF_LISTENER},
    [METRIC_LISTENER_JOINED] = {"flowbraid_listener_groups_joined", "groups_joined",
	"Groups that it is a member of", false, METRIC_OF_LISTENER},
    [METRIC_LISTENER_SOURCES] = {"flowbraid_listener_sources_joined", "sources_joined",
	"Sources that its group is joined of; 0: of all", false, METRIC_OF_LISTENER},
    [METRIC_LISTENER_BUFFER] = {"flowbraid_receive_buffer_bytes", "receive_buffer",
	"Receive buffer as the kernel counts it", false, METRIC_OF_LISTENER},
    [METRIC_LISTENER_QUEUED] = {"flowbraid_receive_queue_bytes", "receive_queue",
	"What of it holds datagrams that wait", false, METRIC_OF_LISTENER},
    [METRIC_RELAY_RESTARTS] = {"flowbraid_relay_restarts_total", "restarts",
	"Lives of the relay that ended before their time", true, METRIC_OF_RELAY},
    [METRIC_FORWARD_SENT] = {"flowbraid_forward_packets_total", "sent", "Datagrams sent on", true,
	METRIC_OF_FORWARD},
    [METRIC_FORWARD_LOST] = {"flowbraid_forward_lost_packets_total", "lost",
	"Datagrams that could not be sent, or that the target's host refused", true, METRIC_OF_FORWARD},
    [METRIC_FEED_READERS] = {"flowbraid_feed_readers", "readers", "Programs that read the feed now", false,
	METRIC_OF_FEED},
    [METRIC_FEED_REFUSED] = {"flowbraid_feed_refused_readers_total", "refused_readers",
	"Programs that were one too many", true, METRIC_OF_FEED},
    [METRIC_FEED_SENT] = {"flowbraid_feed_records_total", "records",
	"Lines or records for readers, of each one", true, METRIC_OF_FEED},
    [METRIC_FEED_LOST] = {"flowbraid_feed_lost_records_total", "lost",
	"Lines or records lost by readers that were too slow, of each one", true, METRIC_OF_FEED},
};

const struct metric_info *
metric_info(enum metric m)
{
	return &infos[m];
}

/* --- writing --- */

void
snapshot_begin(struct buf *b, wall_t now, mono_t mono, uint16_t lane, size_t names)
{
	buf_u64(b, (uint64_t)now.ns);
	buf_u64(b, (uint64_t)mono.ns);
	buf_u16(b, lane);
	buf_u16(b, (uint16_t)names);
}

void
snapshot_name(struct buf *b, const char *name)
{
	buf_u16(b, (uint16_t)strlen(name));
	buf_text(b, name);
}

void
snapshot_put(struct buf *b, enum metric metric, uint16_t name, uint64_t value)
{
	buf_u16(b, (uint16_t)metric);
	buf_u16(b, name);
	buf_u64(b, value);
}

static void
put_policy(struct buf *b, const struct picker *p)
{
	size_t rules;

	if (p->policy == NULL)
		return;
	snapshot_put(b, METRIC_POLICY_KEPT, SNAPSHOT_ALL, p->counters.kept);
	snapshot_put(b, METRIC_POLICY_DROPPED, SNAPSHOT_ALL, p->counters.dropped);
	snapshot_put(b, METRIC_POLICY_UNMATCHED, SNAPSHOT_ALL, policy_unmatched(p->policy));
	snapshot_put(b, METRIC_POLICY_SELECTED, SNAPSHOT_ALL, p->counters.selected);
	snapshot_put(b, METRIC_POLICY_WHOLE, SNAPSHOT_ALL, p->counters.whole);
	rules = policy_rule_count(p->policy);
	for (size_t i = 0; i < rules && i < SNAPSHOT_RULES_MOST; i++) {
		struct policy_counters n;
		struct policy_rule r;

		policy_rule(p->policy, i, &r, &n);
		snapshot_put(b, METRIC_RULE_EVALUATIONS, (uint16_t)(i + 1), n.evaluations);
		snapshot_put(b, METRIC_RULE_MATCHES, (uint16_t)(i + 1), n.matches);
		snapshot_put(b, METRIC_RULE_WINS, (uint16_t)(i + 1), n.wins);
	}
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
	put_policy(b, &in->picker);
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

static bool
is_whose(const struct snapshot *s, enum metric m, uint16_t whose)
{
	if (infos[m].of == METRIC_OF_RULE)
		return whose >= 1 && whose <= SNAPSHOT_RULES_MOST;
	return infos[m].of == METRIC_OF_LANE || infos[m].of == METRIC_OF_RELAY ? whose == SNAPSHOT_ALL
									       : whose < s->name_count;
}

enum err
snapshot_open(const void *bytes, size_t len, struct snapshot *ret)
{
	struct rd r = rd_init(bytes, len);
	struct snapshot s = {.time = {(int64_t)rd_u64(&r)}};

	s.mono.ns = (int64_t)rd_u64(&r);
	s.lane = rd_u16(&r);
	s.name_count = rd_u16(&r);
	if (!rd_ok(&r) || s.name_count > NAMES_MOST)
		return ERR_MALFORMED;
	s.names = calloc(s.name_count + 1U, sizeof(*s.names));
	if (s.names == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < s.name_count; i++) {
		uint16_t size = rd_u16(&r);
		struct rd text = rd_sub(&r, size);

		if (size < sizeof(s.names[i]))
			rd_copy(&text, s.names[i], size);
	}
	if (!rd_ok(&r)) {
		free(s.names);
		return ERR_MALFORMED;
	}
	s.values = r;
	*ret = s;
	return ERR_OK;
}

void
snapshot_close(struct snapshot *s)
{
	free(s->names);
	s->names = NULL;
}

bool
snapshot_next(struct snapshot *s, enum metric *ret, uint16_t *ret_name, uint64_t *ret_value)
{
	for (;;) {
		unsigned metric = rd_u16(&s->values);

		*ret_name = rd_u16(&s->values);
		*ret_value = rd_u64(&s->values);
		if (!rd_ok(&s->values))
			return false;
		*ret = (enum metric)metric;
		if (metric < METRIC_COUNT && is_whose(s, *ret, *ret_name))
			return true;
	}
}
