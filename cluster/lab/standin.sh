# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# The lab without namespaces: everything on loopback, no loss, standin.py in the exporter's place. Replaces those
# functions of the lab that differ; include it last and call standin_lab.

standin_lab()
{
	LAB_TMP=$(mktemp -d "${TMPDIR:-/tmp}/flowbraid-lab.XXXXXX") || exit
	export TMPDIR=$LAB_TMP
	# Not the port of a collector that may run here.
	LAB_PORT=$((20000 + $$ % 10000))
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	trap standin_leave EXIT

	lab_loss() { :; }
	lab_counter()
	{
		local sent=0

		[ "$1" != sent ] || sent=$(tail -n 1 "$LAB_TMP/sent" 2>/dev/null)
		echo "${sent:-0}"
	}
	exporter_start() { :; }
	traffic_start()
	{
		lab_begin loopback python3 "$LAB_DIR/standin.py" "$LAB_GROUP" "$LAB_PORT" 200 "$2" >"$LAB_TMP/sent"
		TRAFFIC_PIDS+=("$LAB_PID")
	}
}

standin_leave()
{
	local node

	trap '' INT TERM HUP
	{
		kill "${TRAFFIC_PIDS[@]}" "${EXPORTER_PIDS[@]}"
		# Children that outlive their parent would write into the folder while it is removed.
		for node in "${!NODE_PID[@]}"; do
			node_kill "$node"
		done
		wait
	} 2>/dev/null
	rm -rf "$LAB_TMP"
}
