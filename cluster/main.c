/* SPDX-License-Identifier: ISC
 *
 * flowbraid: one command, one subcommand a verb.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/msg.h"
#include "cluster/command.h"
#include "flowbraid/version.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *does;
} commands[] = {
    {"merge", command_merge, "make one archive of logs and archives"},
    {"verify", command_verify, "check every byte of logs and archives"},
    {"gaps", command_gaps, "say what is missing, on which node and on all"},
    {"info", command_info, "say what paths are and how the nodes compare"},
    {"cat", command_cat, "print flows"},
    {"export", command_export, "write flows to an IPFIX file or an SQLite database"},
    {"replay", command_replay, "send datagrams again, as their exporters sent them"},
    {"import", command_import, "make a log of captures and of flowd's stores"},
    {"monitor", command_monitor, "ask all nodes, and show what is missing now"},
    {"merged", command_merged, "list the segments of logs that an archive holds"},
};

static void
usage(FILE *to)
{
	fprintf(to, "usage: flowbraid COMMAND [OPTION]... PATH...\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].does);
	fprintf(to,
	    "PATH is a node's log folder, a segment, or an archive. flowbraid COMMAND --help says more.\n");
}

static int
run(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
		printf("flowbraid %s\n", FLOWBRAID_VERSION);
		return EXIT_CLEAN;
	}
	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		usage(stdout);
		return EXIT_CLEAN;
	}
	for (size_t i = 0; argc >= 2 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	if (argc >= 2)
		msg_error("%s: no such command", argv[1]);
	usage(stderr);
	return EXIT_UNABLE;
}

int
main(int argc, char **argv)
{
	int status;

	msg_init("flowbraid", false, MSG_INFO);
	signal(SIGPIPE, SIG_IGN);
	status = run(argc, argv);
	/* Texts of --help and --version; what commands find is written, and checked, by command_output. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		msg_error("standard output: %s", strerror(errno));
		return EXIT_UNABLE;
	}
	return status;
}
