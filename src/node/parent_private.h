/* SPDX-License-Identifier: ISC
 *
 * The parent, for the files that it stands in: parent.c (start, end, signals), parent_children.c (children that come and go),
 * parent_relay.c (what goes out) and parent_follow.c (what changes while it runs: configuration and interfaces).
 */
#ifndef FLOWBRAID_NODE_PARENT_PRIVATE_H
#define FLOWBRAID_NODE_PARENT_PRIVATE_H

#include "node/board.h"
#include "node/channel.h"
#include "node/child.h"
#include "node/collector_run.h"
#include "node/links.h"
#include "base/loop.h"
#include "node/notify.h"
#include "node/outputs.h"
#include "node/parent.h"
#include "node/process.h"
#include "node/reporter.h"
#include "node/ring.h"
#include "node/sockets.h"

struct parent;

struct lane {
	struct parent *parent;
	struct child child;
	struct loop_watch *watch; /* of the child's channel */
	bool reloading;           /* it has not answered the last CHANNEL_RELOAD */
};

struct parent {
	const struct parent_options *options;
	struct conf conf; /* owned */
	struct identity identity;
	struct background background;
	struct pidfile pidfile;
	int folder;
	unsigned lane_count;
	struct lane *lanes;      /* owned */
	struct board **boards;   /* owned; one a lane, also without status: a reload may bring it */
	struct board **accounts; /* likewise */
	struct sockets sockets;
	struct host_drops host; /* v4 -1: not asked. What the first lane's events tell of, up to host_told */
	wall_t host_told;
	struct ring **rings; /* owned; one a lane, also without outputs: a reload may bring them */
	struct outputs outputs;
	mono_t led; /* when those without a way were led last */
	struct child relay;
	struct loop_watch *relay_watch;
	struct board *relay_board; /* owned */
	int status_socket;         /* -1: no status */
	int secrets;               /* of the status; -1: none */
	struct child reporter;
	struct loop_watch *reporter_watch;
	struct loop *loop;
	struct links links; /* fd -1: changes of interfaces go unseen */
	struct loop_watch *links_watch;
	struct notify notify;
	bool announced; /* that the node has started */
	bool stopping;
	mono_t stop_by;
	mono_t ticked;
	bool failed;       /* a collector did not end in good order, or never started */
	bool reload_asked; /* while another one was going on */
	bool links_changed;
	bool down[CONF_LISTENERS_MOST]; /* whose interface has no link, as was said last */
	struct channel_message message;
};

/* parent.c */
void parent_stop(struct parent *p);
bool parent_anything_runs(const struct parent *p); /* of the children */
void parent_announce(struct parent *p);            /* that the node has started, once it has */

/* parent_children.c */
bool parent_start_collector(struct parent *p, unsigned lane);
void parent_start_those_due(struct parent *p);
void parent_on_child(void *ctx, wall_t now); /* SIGCHLD */
bool parent_start_reporter(struct parent *p);
void parent_stop_reporter(struct parent *p);
/* Sends each collector that runs its part of the maps (lane by lane). */
void parent_send_maps(struct parent *p, const struct reload_socket *maps);
bool parent_is_reloading(const struct parent *p);

/* What a child (lane NULL: none of the collectors) has said. False: there will be no more. */
bool parent_hear(struct parent *p, struct child *c, struct lane *l, struct loop_watch **watch);
/* Of one that has ended. */
void parent_hear_last_words(struct parent *p, struct child *c, struct lane *l, struct loop_watch **watch);

/* parent_relay.c */
bool parent_start_relay(struct parent *p); /* where there are outputs */
void parent_stop_relay(struct parent *p);
/* p->conf is the new configuration already. */
void parent_go_on_with_outputs(struct parent *p, const struct outputs *outputs);

/* parent_follow.c */
void parent_reload(struct parent *p);      /* now, or when the last one has been answered */
void parent_check_links(struct parent *p); /* the same */
void parent_read_links(struct parent *p);  /* what the kernel tells of interfaces */

#endif
