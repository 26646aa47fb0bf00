# SPDX-License-Identifier: ISC
#
# The Python module is installed by pip (README.md), which knows where its Python wants it; make only hands it out.
EXTRA_DIST += \
	python/pyproject.toml \
	python/flowbraid/__init__.py \
	python/flowbraid/_flow.py \
	python/flowbraid/_library.py \
	python/flowbraid/_reader.py \
	python/flowbraid/_time.py \
	python/flowbraid/py.typed \
	python/examples/feed_client.py \
	python/examples/protocol_graph.py \
	python/examples/reader.py \
	python/examples/to_sqlite.py \
	python/examples/top_talkers.py \
	python/examples/worm_suspects.py \
	python/tests/test_flowbraid.py
