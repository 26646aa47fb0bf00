-- SPDX-License-Identifier: ISC
--
-- A table for what flowbraid cat -F json prints; see flowbraid-export(5). Elements that are not here are skipped; add those
-- that you need under the names that cat prints.
CREATE TABLE flows (
	received DateTime64(9, 'UTC'),
	flowStart Nullable(DateTime64(9, 'UTC')),
	flowEnd Nullable(DateTime64(9, 'UTC')),
	exporter LowCardinality(String),
	exporterPort UInt16,
	version LowCardinality(String), -- 5, sflow5
	domain UInt32,
	sequence UInt32,
	index UInt32,
	sourceIPv4Address Nullable(IPv4),
	destinationIPv4Address Nullable(IPv4),
	sourceIPv6Address Nullable(IPv6),
	destinationIPv6Address Nullable(IPv6),
	sourceTransportPort Nullable(UInt16),
	destinationTransportPort Nullable(UInt16),
	protocolIdentifier Nullable(UInt8),
	tcpControlBits Nullable(UInt16),
	ipClassOfService Nullable(UInt8),
	octetDeltaCount Nullable(UInt64),
	packetDeltaCount Nullable(UInt64),
	ingressInterface Nullable(UInt32),
	egressInterface Nullable(UInt32),
	bgpSourceAsNumber Nullable(UInt32),
	bgpDestinationAsNumber Nullable(UInt32),
	samplingInterval Nullable(UInt32),
	witnesses Array(LowCardinality(String))
) ENGINE = MergeTree PARTITION BY toDate(received) ORDER BY (exporter, received);
