# SPDX-License-Identifier: ISC
package Flowbraid;

use strict;
use warnings;

use Carp qw(croak);
use Exporter qw(import);
use FFI::Platypus 1.00;
use JSON::PP ();
use Socket qw(AF_INET AF_INET6 inet_ntop);

our $VERSION   = '0.1.0';
our @EXPORT_OK = qw(time_text);

use constant {
	STATUS_OK  => 0,
	STATUS_END => 1,
};
use constant {    # enum flowbraid_type
	OCTETS       => 0,
	UNSIGNED     => 1,
	SIGNED       => 2,
	FLOAT        => 3,
	BOOLEAN      => 4,
	MAC          => 5,
	TEXT         => 6,
	SECONDS      => 7,
	NANOSECONDS  => 10,
	IPV4         => 11,
	IPV6         => 12,
	BASIC_LIST   => 13,
	MULTI_LIST   => 15,
	ABSENT       => 255,
	FIELD_SIZE   => 56,    # of the structs, on machines with pointers of 8 bytes
	FLOW_SIZE    => 64,
	DATAGRAM_SIZE => 112,
};

croak 'Flowbraid needs a perl with 64 bits' unless length(pack 'J', 0) == 8 && length(pack 'P', undef) == 8;

my $ffi = FFI::Platypus->new(api => 1, lib => $ENV{FLOWBRAID_LIBRARY} // 'libflowbraid.so.0');
$ffi->type('(opaque,string)->void' => 'on_finding');

my %functions = (
	version               => [[]                              => 'string'],
	reader_new            => [['opaque*']                     => 'int'],
	reader_free           => [['opaque']                      => 'void'],
	reader_select         => [['opaque', 'string']            => 'int'],
	reader_span           => [['opaque', 'sint64', 'sint64']  => 'void'],
	reader_with_options   => [['opaque', 'int']               => 'void'],
	reader_on_finding     => [['opaque', 'on_finding', 'opaque'] => 'void'],
	reader_open           => [['opaque', 'string']            => 'int'],
	reader_next           => [['opaque', 'opaque*']           => 'int'],
	reader_error          => [['opaque']                      => 'string'],
	reader_file           => [['opaque']                      => 'string'],
	reader_findings       => [['opaque']                      => 'uint64'],
	reader_undecoded      => [['opaque']                      => 'uint64'],
	flow_fields           => [['opaque', 'opaque*', 'size_t*'] => 'int'],
	flow_json             => [['opaque', 'opaque']            => 'string'],
);
for my $name (keys %functions) {
	$ffi->attach(["flowbraid_$name" => "_$name"] => @{$functions{$name}});
}

sub version { return _version() }

# len bytes that stand at an address.
sub _bytes {
	my ($at, $len) = @_;
	return $len == 0 ? '' : unpack "P$len", pack 'J', $at;
}

sub _c_text {
	my ($at) = @_;
	return $at ? unpack('p', pack 'J', $at) : undef;
}

sub _address {
	my ($bytes) = @_;
	return substr($bytes, 0, 12) eq "\0" x 10 . "\xff\xff"
	    ? inet_ntop(AF_INET,  substr $bytes, 12)
	    : inet_ntop(AF_INET6, $bytes);
}

# Days since 1970 to a date of the Gregorian calendar, whose years begin in March here.
sub _date {
	my ($days) = @_;
	my $z   = $days + 719468;
	my $era = int($z / 146097);
	my $doe = $z - $era * 146097;
	my $yoe = int(($doe - int($doe / 1460) + int($doe / 36524) - int($doe / 146096)) / 365);
	my $doy = $doe - (365 * $yoe + int($yoe / 4) - int($yoe / 100));
	my $mp  = int((5 * $doy + 2) / 153);
	my $month = $mp < 10 ? $mp + 3 : $mp - 9;
	return ($yoe + $era * 400 + ($month <= 2 ? 1 : 0), $month, $doy - int((153 * $mp + 2) / 5) + 1);
}

sub time_text {
	my ($ns, $digits) = @_;
	use integer;
	my ($seconds, $part) = ($ns / 1_000_000_000, $ns % 1_000_000_000);
	($seconds, $part) = ($seconds - 1, $part + 1_000_000_000) if $part < 0;
	my ($days, $rest) = ($seconds / 86400, $seconds % 86400);
	($days, $rest) = ($days - 1, $rest + 86400) if $rest < 0;
	no integer;
	my $text = sprintf '%04d-%02d-%02dT%02d:%02d:%02d', _date($days), int($rest / 3600), int($rest / 60) % 60, $rest % 60;
	$digits //= 9;
	$text .= '.' . substr sprintf('%09d', $part), 0, $digits if $digits > 0;
	return $text . 'Z';
}

sub open {
	my ($class, @paths) = @_;
	my %options = ref $paths[-1] eq 'HASH' ? %{pop @paths} : ();
	croak 'Flowbraid->open: no path' unless @paths;
	my ($expression, $since, $until, $with_options, $on_finding) =
	    delete @options{qw(expression since until options on_finding)};
	croak 'Flowbraid->open: unknown option ' . join ', ', sort keys %options if %options;
	_reader_new(\my $handle) == STATUS_OK or croak 'out of memory';
	my $self = bless {handle => $handle, paths => [@paths], number => 0}, $class;
	if (defined $expression && _reader_select($handle, $expression) != STATUS_OK) {
		croak _reader_error($handle);
	}
	_reader_span($handle, $since // -9223372036854775807 - 1, $until // 9223372036854775807);
	_reader_with_options($handle, $with_options ? 1 : 0);
	if ($on_finding) {
		$self->{closure} = $ffi->closure(sub { $on_finding->($_[1]) });
		_reader_on_finding($handle, $self->{closure}, undef);
	}
	$self->_open_next;
	return $self;
}

sub _open_next {
	my ($self) = @_;
	_reader_open($self->{handle}, shift @{$self->{paths}}) == STATUS_OK or croak _reader_error($self->{handle});
	return;
}

# The datagram that a flow came in, made once for all of them.
sub _datagram {
	my ($self, $at) = @_;
	my $seen   = _bytes($at, DATAGRAM_SIZE);
	my $number = unpack 'Q', substr $seen, DATAGRAM_SIZE - 8;
	return $self->{datagram} if $number == $self->{number};
	my ($payload, $len, $received, $exported, $exporter, $agent, $domain, $sequence, $uptime, $port, $protocol,
		$has_time, $has_sequence, $has_uptime, $witness_count, $witnesses)
	    = unpack 'J J q q a16 a16 L L L S C C C C x6 J J', $seen;
	my %d = (
		exporter    => _address($exporter),
		port        => $port,
		received_ns => $received,
		protocol    => $protocol,
		domain      => $domain,
		payload     => $payload ? _bytes($payload, $len) : undef,    # undef: only selected flows were kept
	);
	$d{export_ns} = $exported if $has_time;
	$d{sequence}  = $sequence if $has_sequence;
	$d{uptime_ms} = $uptime   if $has_uptime;
	$d{agent}     = _address($agent) if $protocol == 105;
	$d{witnesses} = [map { _c_text($_) } unpack "J$witness_count", _bytes($witnesses, 8 * $witness_count)] if $witnesses;
	$self->{number} = $number;
	return $self->{datagram} = \%d;
}

my %names;    # of elements, by the address of the library's text

sub next {
	my ($self) = @_;
	croak 'Flowbraid: the reader is closed' unless $self->{handle};
	my $at;
	while ((my $status = _reader_next($self->{handle}, \$at)) != STATUS_OK) {
		croak _reader_error($self->{handle}) if $status != STATUS_END;
		return unless @{$self->{paths}};
		$self->_open_next;
	}
	my ($datagram, undef, undef, $start, $end, $start_digits, $end_digits, $options, $late, $index, $tags,
		$tag_count) =
	    unpack 'J J J q q c c C C L J J', _bytes($at, FLOW_SIZE);
	_flow_fields($at, \my $fields, \my $count) == STATUS_OK or croak 'out of memory';
	my %flow = (
		datagram => $self->_datagram($datagram),
		index    => $index,
		options  => $options,
		late     => $late,
		tags     => [unpack 'L*', _bytes($tags, 4 * $tag_count)],
		fields   => _bytes($fields, FIELD_SIZE * $count),
	);
	$flow{start_ns} = $start if $start_digits >= 0;
	$flow{end_ns}   = $end   if $end_digits >= 0;
	$flow{reader_at} = $at;
	my $flow = bless \%flow, 'Flowbraid::Flow';
	$flow->_read;    # what it points to lives until the next call
	return $flow;
}

sub file      { return _reader_file($_[0]{handle}) }
sub findings  { return _reader_findings($_[0]{handle}) }
sub undecoded { return _reader_undecoded($_[0]{handle}) }

sub close {
	my ($self) = @_;
	my $handle = delete $self->{handle};
	_reader_free($handle) if $handle;
	return;
}

sub DESTROY { local ($@, $!, $?); $_[0]->close; return }

package Flowbraid::Flow;

my $json = JSON::PP->new->allow_nonref;

sub _value {
	my ($self, $name, $raw, $bytes, $type) = @_;
	return unpack 'Q', $raw if $type == Flowbraid::UNSIGNED || $type == Flowbraid::BOOLEAN;
	return Flowbraid::_address($raw) if $type == Flowbraid::IPV4 || $type == Flowbraid::IPV6;
	return Flowbraid::time_text(unpack('q', $raw), 3 * ($type - Flowbraid::SECONDS))
	    if $type >= Flowbraid::SECONDS && $type <= Flowbraid::NANOSECONDS;
	return unpack 'q', $raw if $type == Flowbraid::SIGNED;
	return unpack 'd', $raw if $type == Flowbraid::FLOAT;
	return join ':', unpack '(H2)6', $bytes if $type == Flowbraid::MAC;
	return undef if $type == Flowbraid::ABSENT;
	if ($type == Flowbraid::TEXT) {
		utf8::decode($bytes);
		return $bytes;
	}
	return $bytes;
}

sub _read {
	my ($self) = @_;
	my (%values, @order, $lists);
	my $packed = delete $self->{fields};
	my $at     = delete $self->{reader_at};
	for (my $i = 0; $i < length $packed; $i += Flowbraid::FIELD_SIZE) {
		my ($raw, $name_at, $unit, $bytes_at, $pen, $id, $len, $type) =
		    unpack 'a16 J J J L S S C', substr $packed, $i, Flowbraid::FIELD_SIZE;
		my $name = $name_at ? ($names{$name_at} //= Flowbraid::_c_text($name_at)) : "$pen/$id";
		next if $name eq 'paddingOctets';
		push @order, $name unless $values{$name};
		if ($type >= Flowbraid::BASIC_LIST && $type <= Flowbraid::MULTI_LIST) {
			$lists //= $json->decode(Flowbraid::_flow_json($at, undef));
			my $listed = $lists->{$name};
			my $nth    = @{$values{$name} // []};
			push @{$values{$name}}, $listed if $nth == 0;
			next;
		}
		my $needs = $type == Flowbraid::OCTETS || $type == Flowbraid::TEXT || $type == Flowbraid::MAC;
		push @{$values{$name}}, $self->_value($name, $raw, $needs ? Flowbraid::_bytes($bytes_at, $len) : '', $type);
	}
	@$self{qw(values names)} = (\%values, \@order);
	return;
}

sub get {
	my ($self, $name) = @_;
	my $values = $self->{values}{$name} or return;
	return @$values > 1 ? $values : $values->[0];
}

sub has       { return exists $_[0]{values}{$_[1]} }
sub names     { return @{$_[0]{names}} }
sub datagram  { return $_[0]{datagram} }
sub index     { return $_[0]{index} }
sub options   { return $_[0]{options} }
sub late      { return $_[0]{late} }
sub tags      { return @{$_[0]{tags}} }
sub start_ns  { return $_[0]{start_ns} }
sub end_ns    { return $_[0]{end_ns} }
sub octets    { return $_[0]->get('octetDeltaCount')  // $_[0]->get('octetTotalCount') }
sub packets   { return $_[0]->get('packetDeltaCount') // $_[0]->get('packetTotalCount') }
sub src       { return $_[0]->get('sourceIPv4Address')      // $_[0]->get('sourceIPv6Address') }
sub dst       { return $_[0]->get('destinationIPv4Address') // $_[0]->get('destinationIPv6Address') }

1;

__END__

=head1 NAME

Flowbraid - read the logs and archives of flowbraid, a redundant flow collector

=head1 SYNOPSIS

    use Flowbraid;

    my $reader = Flowbraid->open('archive', {expression => 'dst port 443'});
    while (my $flow = $reader->next) {
        print $flow->src, ' ', $flow->get('sourceTransportPort'), ' ', $flow->octets, "\n";
    }

=head1 DESCRIPTION

The flows of a node's log, of a segment, or of an archive, through libflowbraid(3). The library is looked for as the dynamic
linker does, or where the environment variable C<FLOWBRAID_LIBRARY> says.

Whatever cannot be done dies with a message that names the file.

=head2 Flowbraid->open(PATH..., {OPTION => VALUE...})

A reader of the paths, one after the other. Options, each of which may be left out:

=over

=item expression

only flows that match it, flowbraid-filter(7)

=item since, until

only datagrams received from the one moment on and before the other, in nanoseconds since 1970

=item options

options data records, too, when it is true

=item on_finding

a function that is called with a line of text for each damaged place; what is whole is read all the same

=back

=head2 Methods of a reader

=over

=item next

the next flow, or nothing when there is no more

=item file, findings, undecoded

the file at hand; the number of damaged places met; that of data sets that were skipped because nobody told their template

=item close

frees what it holds; so does its end

=back

=head2 Methods of a flow

=over

=item get(NAME)

the value of the element with that IANA name, or C<PEN/ID> for one without a name. Addresses and times are text, octets a string
of bytes. What stands in the flow several times is a reference to an array. An element without bytes, or one that the flow does
not have, is undef; C<has> tells them apart.

=item names

of its elements, in the order of its template

=item src, dst, octets, packets

whatever element tells them

=item start_ns, end_ns

when it began and ended, in nanoseconds since 1970; undef when the record does not say

=item index, options, late

its place in the datagram; whether it is an options data record; whether its template came after it, or was heard by another
node

=item tags

those that a policy gave it, ascending

=item datagram

a reference to a hash: exporter, port, received_ns, protocol, domain, payload; and, where they are known, sequence, export_ns,
uptime_ms, agent (sFlow), witnesses (names of the nodes that heard it)

=back

=head2 Flowbraid::time_text(NS, DIGITS)

A time in ISO 8601, UTC. Can be imported.

=head2 Flowbraid::version()

The version of the library.

=head1 SEE ALSO

flowbraid(1), libflowbraid(3), flowbraid-filter(7)

=cut
